//! A disk that loses what was not synced: files as the calls leave them, and as a power cut would.

use crate::strace::Call;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What is left of writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// All of them: only the process died.
    Kill,
    /// None.
    PowerCut,
    /// Some of them, chosen by this seed: a disk writes in whatever order it likes.
    Torn(u64),
}

/// The files of a directory.
#[derive(Clone, Default)]
pub struct Disk {
    files: BTreeMap<String, Kept>,
}

#[derive(Clone, Default)]
struct Kept {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Since the last sync.
    unsynced: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Disk {
    /// What is there now counts as synced.
    pub fn of(dir: &Path) -> Self {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(dir).expect("the data directory").flatten() {
            let path = entry.path();
            // The shared memory of a write-ahead log does not outlive its processes.
            if path.is_file() && !path.to_string_lossy().ends_with("-shm") {
                let now = fs::read(&path).expect("a file");
                files.insert(
                    path.to_string_lossy().into_owned(),
                    Kept { synced: now.clone(), now, unsynced: Vec::new() },
                );
            }
        }
        Self { files }
    }

    pub fn apply(&mut self, call: &Call) {
        match call {
            Call::Write { file, at, bytes } => self.change(file, Change::Write(*at, bytes.clone())),
            Call::Truncate { file, len } => self.change(file, Change::Truncate(*len)),
            Call::Sync { file } => {
                if let Some(kept) = self.files.get_mut(file) {
                    kept.unsynced.clear();
                    kept.synced.clone_from(&kept.now);
                }
            }
            Call::Sent(_) => {}
        }
    }

    fn change(&mut self, file: &str, change: Change) {
        if file.ends_with("-shm") {
            return;
        }
        let kept = self.files.entry(file.to_owned()).or_default();
        change.make(&mut kept.now);
        kept.unsynced.push(change);
    }

    /// Writes the files as they would be found afterwards. Those whose name is `spared` begins with are on a machine that stays up.
    pub fn write(&self, dir: &Path, after: After, spared: &str) {
        let _ = fs::remove_dir_all(dir);
        fs::create_dir_all(dir).expect("a directory");
        for (path, kept) in &self.files {
            let name = Path::new(path).file_name().unwrap_or_default();
            let is_spared = name.to_string_lossy().starts_with(spared);
            let bytes = if is_spared { kept.now.clone() } else { kept.found(after) };
            fs::write(dir.join(name), bytes).expect("a file");
        }
    }
}

impl Kept {
    fn found(&self, after: After) -> Vec<u8> {
        match after {
            After::Kill => self.now.clone(),
            After::PowerCut => self.synced.clone(),
            After::Torn(seed) => {
                let mut found = self.synced.clone();
                let mut random = seed | 1;
                for change in &self.unsynced {
                    // xorshift64: which writes, not how well they are chosen, is what matters.
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    if random & 1 == 0 {
                        change.make(&mut found);
                    }
                }
                found
            }
        }
    }
}

impl Change {
    fn make(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Truncate(len) => bytes.resize(*len, 0),
            Self::Write(at, new) => {
                let end = at + new.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(new);
            }
        }
    }
}
