//! A file in the encodings that browsers ask for, each made once.

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::sync::OnceLock;

/// Brotli's quality: 9 is within a few per cent of 11 for WebAssembly in a tenth of the time.
const BROTLI_QUALITY: u32 = 9;
const BROTLI_WINDOW_BITS: u32 = 22;

#[derive(Debug)]
pub struct Forms {
    plain: Bytes,
    is_compressible: bool,
    brotli: OnceLock<Option<Bytes>>,
    gzip: OnceLock<Option<Bytes>>,
}

impl Forms {
    pub fn new(plain: Bytes, is_compressible: bool) -> Self {
        Self { plain, is_compressible, brotli: OnceLock::new(), gzip: OnceLock::new() }
    }

    /// Makes both compressed forms. Takes a moment for a large file, so not for a request's thread.
    pub fn compress(&self) {
        if self.is_compressible {
            self.brotli.get_or_init(|| brotli_of(&self.plain).filter(|b| b.len() < self.plain.len()));
            self.gzip.get_or_init(|| gzip_of(&self.plain).filter(|b| b.len() < self.plain.len()));
        }
    }

    /// The smallest form that is ready and accepted, and its name.
    pub fn best(&self, accepted: &str) -> (Bytes, Option<&'static str>) {
        let ready = |form: &OnceLock<Option<Bytes>>| form.get().cloned().flatten();
        for (name, form) in [("br", &self.brotli), ("gzip", &self.gzip)] {
            if let Some(bytes) = ready(form).filter(|_| accepts(accepted, name)) {
                return (bytes, Some(name));
            }
        }
        (self.plain.clone(), None)
    }
}

fn accepts(accepted: &str, name: &str) -> bool {
    accepted.split(',').any(|part| {
        let mut part = part.split(';').map(str::trim);
        let named = part.next().is_some_and(|n| n.eq_ignore_ascii_case(name));
        let refused = part.any(|p| matches!(p.split_once("q="), Some((_, q)) if q.trim().parse() == Ok(0.0_f32)));
        named && !refused
    })
}

fn brotli_of(plain: &[u8]) -> Option<Bytes> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, BROTLI_QUALITY, BROTLI_WINDOW_BITS);
    writer.write_all(plain).ok()?;
    Some(writer.into_inner().into())
}

fn gzip_of(plain: &[u8]) -> Option<Bytes> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    writer.write_all(plain).ok()?;
    Some(writer.finish().ok()?.into())
}
