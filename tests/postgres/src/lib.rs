//! A throw-away PostgreSQL for tests: its own directory, its own socket, no port, gone with the process that started it.
//!
//! PostgreSQL refuses to run as root, so root starts it as the user that Debian's package made for it.

mod standby;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A busy machine may take its time.
const START_MAX: Duration = Duration::from_secs(180);
const USER: &str = "postgres";

/// Starts the server, and stops it when it is told so, or when whoever started it is gone.
const KEEPER: &str = r#"
"$@" >> "$LOG" 2>&1 &
pid=$!
signal=
read signal || gone=yes
kill -s "${signal:-QUIT}" "$pid"
wait "$pid"
if [ "$gone" = yes ]; then rm -rf "$HOME_DIR"; fi
"#;

/// How much the server does for what it promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// A commit is on the disk, as in earnest.
    Durable,
    /// A commit is in memory: faster, for tests in which nothing is killed.
    Fast,
}

/// How it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Open transactions are ended, and everything is written.
    Fast,
    /// At once, as by a crash: the next start recovers from the log.
    Immediate,
    /// kill -9 of all its processes together, as when the machine loses power.
    Power,
}

/// A server and its directory. It ends with this value, or with the process.
#[derive(Debug)]
pub struct Postgres {
    home: PathBuf,
    programs: PathBuf,
    promise: Promise,
    /// More settings, as `name=value`.
    settings: Vec<String>,
    keeper: Option<Child>,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// In words, when PostgreSQL is missing or does not start.
    pub fn start(promise: Promise) -> Result<Self, String> {
        Self::start_with(promise, &[])
    }

    /// The same, with more settings as `name=value`.
    ///
    /// # Errors
    /// In words, when PostgreSQL is missing or does not start.
    pub fn start_with(promise: Promise, settings: &[&str]) -> Result<Self, String> {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self::at_home(promise, settings)?;
        server.init()?;
        server.run()?;
        Ok(server)
    }

    /// A directory of its own, with nothing in it.
    fn at_home(promise: Promise, settings: Vec<String>) -> Result<Self, String> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let programs = programs().ok_or("PostgreSQL is missing: apt-get install postgresql")?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Short, because a socket's path may have 107 bytes at most.
        let home = std::env::temp_dir().join(format!("holdfast-pg-{}-{number}", std::process::id()));
        let server = Self { home, programs, promise, settings, keeper: None };
        server.make_home()?;
        Ok(server)
    }

    /// Starts it again after [`Postgres::stop`].
    ///
    /// # Errors
    /// In words, when it does not start.
    pub fn run(&mut self) -> Result<(), String> {
        if self.keeper.is_some() {
            return Ok(());
        }
        let data = self.home.join("data");
        let mut keeper = self.as_user("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(self.programs.join("postgres")).arg("-D").arg(&data);
        keeper.arg("-k").arg(&self.home).args(["-c", "listen_addresses=", "-c", "max_connections=200"]);
        keeper.args(self.settings.iter().flat_map(|setting| ["-c", setting]));
        if self.promise == Promise::Fast {
            keeper.args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]);
        }
        keeper.env("LOG", self.home.join("log")).env("HOME_DIR", &self.home);
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.keeper = Some(keeper.spawn().map_err(|e| format!("PostgreSQL cannot be started: {e}"))?);
        self.wait_until_it_answers()
    }

    /// Stops it and keeps its data.
    ///
    /// # Errors
    /// In words, when it does not end.
    pub fn stop(&mut self, how: Stop) -> Result<(), String> {
        let Some(mut keeper) = self.keeper.take() else { return Ok(()) };
        // What `pg_ctl stop` sends for these modes.
        let signal = match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
            Stop::Power => {
                self.kill_all()?;
                "KILL"
            }
        };
        let mut stdin = keeper.stdin.take().ok_or("the keeper has no ear")?;
        writeln!(stdin, "{signal}").map_err(|e| format!("the keeper does not hear: {e}"))?;
        keeper.wait().map_err(|e| format!("PostgreSQL does not end: {e}"))?;
        Ok(())
    }

    /// Makes an empty database and gives its address.
    ///
    /// # Errors
    /// In words, when the server refuses.
    pub fn database(&self, name: &str) -> Result<String, String> {
        let mut create = Command::new(self.programs.join("createdb"));
        create.arg("-h").arg(&self.home).args(["-U", USER, name]);
        run(&mut create)?;
        Ok(format!("postgres://{USER}@localhost/{name}?host={}", self.home.display()))
    }

    /// The socket that it listens on.
    pub fn socket(&self) -> PathBuf {
        self.home.join(".s.PGSQL.5432")
    }

    /// What the server wrote into its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    fn make_home(&self) -> Result<(), String> {
        let io = |e: std::io::Error| format!("{}: {e}", self.home.display());
        fs::create_dir(&self.home).map_err(io)?;
        // The tests' own user connects to the socket in here.
        fs::set_permissions(&self.home, fs::Permissions::from_mode(0o755)).map_err(io)?;
        if is_root() {
            let id = |flag: &str| -> Result<u32, String> {
                let text = run(Command::new("id").args([flag, USER]))?;
                text.trim().parse().map_err(|_| format!("the user {USER} has no number"))
            };
            chown(&self.home, Some(id("-u")?), Some(id("-g")?)).map_err(io)?;
        }
        Ok(())
    }

    fn init(&self) -> Result<(), String> {
        let mut make = self.as_user(self.programs.join("initdb"));
        make.arg("-D").arg(self.home.join("data"));
        make.args(["-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]);
        run(&mut make).map(drop)
    }

    fn as_user(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.home);
        command
    }

    fn wait_until_it_answers(&mut self) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let mut ask = Command::new(self.programs.join("pg_isready"));
            ask.arg("-h").arg(&self.home).args(["-U", USER, "-q"]);
            if ask.status().is_ok_and(|status| status.success()) {
                return Ok(());
            }
            if started.elapsed() > START_MAX {
                return Err(format!("PostgreSQL did not start:\n{}", self.log()));
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            // Its ear closes: it stops the server and removes the directory.
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Where the server's programs are: Debian keeps them off the PATH, by version.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let all = versions.into_iter().rev().map(|(_, bin)| bin).chain(on_path);
    all.into_iter().find(|bin| ["initdb", "postgres"].iter().all(|name| bin.join(name).exists()))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

fn run(command: &mut Command) -> Result<String, String> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("{name}: {e}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}
