//! `cargo xtask serve`: from a bare checkout to the demo shop in a browser, with every step named and timed.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::build;
use crate::failure::{Doing, Failure, Outcome};
use crate::paths::Paths;
use crate::run;
use crate::setup::{self, Need};
use crate::steps::Steps;
use crate::stop;

/// The server's own default as well.
const PORT: u16 = 8420;
/// `--reset` deletes only a directory that carries this file, whatever path was typed.
const MARK: &str = ".holdfast-data";
const READY_LIMIT: Duration = Duration::from_secs(60);

const TEST_CARDS: &str = "\
  public test cards       expiry: any month to come
  4242 4242 4242 4242     Visa, approved
  5555 5555 5555 4444     Mastercard, approved
  3782 822463 10005       American Express, approved
  4000 0000 0000 0002     declined (05, do not honour)
  4000 0000 0000 9995     declined (51, not enough funds)
  4000 0000 0000 0069     declined (54, expired card)
  4000 0000 0000 0119     declined (91, issuer unavailable)
  A swipe is what a keyboard wedge types, for example  %B4242424242424242^DOE/JANE^30121010000000000?";

pub fn serve(paths: &Paths, mut args: Args) -> Outcome<ExitCode> {
    let port = args.value("--port")?.unwrap_or(PORT);
    let data = args.value::<PathBuf>("--data")?.unwrap_or_else(|| paths.state.join("data"));
    let reset = args.flag("--reset");
    if let Some(word) = args.parts()?.first() {
        return Err(format!("serve does not know what to do with `{word}`").into());
    }
    let data = std::path::absolute(&data).doing(data.display())?;
    port_is_free(port)?;
    if reset {
        empty(&data)?;
    }
    mark(&data)?;

    let steps = Steps::new();
    let keys = paths.state.join("root");
    let dist = paths.repo.join("dist");
    let server = prepare(paths, &steps, &keys, &dist)?;

    let mut command = run::command(paths, &server);
    command.args(["serve", "--demo", "--app"]).arg(&dist).arg("--data").arg(&data).arg("--root-keys").arg(&keys);
    command.args(["--port", &port.to_string()]);
    let mut child = command.spawn().doing(server.display())?;
    let start = Instant::now();
    if let Err(failure) = wait_until_ready(&mut child, port) {
        let _ = stop::end(&mut child);
        return if stop::asked() { Ok(ExitCode::SUCCESS) } else { Err(failure) };
    }
    println!("\n{}\n", steps.table());
    println!("Holdfast is ready ({} ms after its start): http://localhost:{port}/\n", start.elapsed().as_millis());
    println!(
        "{TEST_CARDS}\n\n  data   {}\n  Ctrl-C stops it; --reset starts with an empty shop.\n",
        paths.shown(&data)
    );
    let _ = std::io::stdout().flush();
    keep_running(child)
}

/// Trunk and wasm-bindgen are compiled beside the server and the till: each of the two leaves a core idle for long stretches
/// (one crate of trunk alone keeps a single core busy for half a minute), so together they end sooner.
fn prepare(paths: &Paths, steps: &Steps, keys: &Path, dist: &Path) -> Outcome<PathBuf> {
    setup::ensure(paths, steps, &[Need::CCompiler, Need::WasmTarget])?;
    let (tools, built) = thread::scope(|scope| {
        let tools = scope.spawn(|| setup::ensure(paths, steps, build::APP_NEEDS));
        let built = compile(paths, steps, keys, dist);
        (tools.join().unwrap_or_else(|_| Err("the set-up of the tools broke off".into())), built)
    });
    let (server, public) = built?;
    tools?;
    build::app(paths, steps, &public, dist)?;
    Ok(server)
}

/// The server first: it makes the root key that the till is compiled with.
fn compile(paths: &Paths, steps: &Steps, keys: &Path, dist: &Path) -> Outcome<(PathBuf, PathBuf)> {
    let server = build::server(paths, steps, &paths.state.join("bin"))?;
    let public = build::root_key(paths, steps, &server, keys)?;
    build::compile_app(paths, steps, &public, dist)?;
    Ok((server, public))
}

fn port_is_free(port: u16) -> Outcome {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map(drop)
        .map_err(|error| Failure::from(format!("port {port} cannot be used ({error}); choose another with --port")))
}

fn mark(data: &Path) -> Outcome {
    fs::create_dir_all(data).doing(data.display())?;
    let mark = data.join(MARK);
    fs::write(&mark, "The data of a Holdfast demo shop. `cargo xtask serve --reset` may delete this directory.\n")
        .doing(mark.display())
}

fn empty(data: &Path) -> Outcome {
    if !data.exists() {
        return Ok(());
    }
    if !data.join(MARK).is_file() {
        return Err(
            format!("{} was not made by `cargo xtask serve`, so --reset leaves it alone", data.display()).into()
        );
    }
    fs::remove_dir_all(data).doing(data.display())
}

fn wait_until_ready(child: &mut Child, port: u16) -> Outcome {
    let start = Instant::now();
    while start.elapsed() < READY_LIMIT {
        if let Some(status) = child.try_wait().doing("the server")? {
            return Err(format!("the server ended with {status} before it answered").into());
        }
        if stop::asked() {
            return Err("stopped".into());
        }
        if is_healthy(port).unwrap_or(false) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(format!("the server did not answer GET /healthz within {} s", READY_LIMIT.as_secs()).into())
}

fn is_healthy(port: u16) -> std::io::Result<bool> {
    let mut stream =
        TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer)?;
    Ok(is_success(&answer))
}

fn is_success(answer: &str) -> bool {
    answer.split_whitespace().nth(1).is_some_and(|status| status.len() == 3 && status.starts_with('2'))
}

/// Until the person has had enough (success) or the server ends by itself (its own status).
fn keep_running(mut child: Child) -> Outcome<ExitCode> {
    loop {
        if stop::asked() {
            stop::end(&mut child).doing("the server")?;
            println!("Stopped. The data stays; `cargo xtask serve` goes on from here.");
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(status) = child.try_wait().doing("the server")? {
            return if status.success() {
                Ok(ExitCode::SUCCESS)
            } else {
                Err(format!("the server ended with {status}").into())
            };
        }
        thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_2xx_answer_is_ready() {
        assert!(is_success("HTTP/1.1 200 OK\r\n\r\nok"));
        assert!(is_success("HTTP/1.1 204 No Content\r\n"));
        assert!(!is_success("HTTP/1.1 503 Service Unavailable\r\n"));
        assert!(!is_success(""));
    }

    #[test]
    fn reset_deletes_only_what_serve_made() {
        let dir = std::env::temp_dir().join(format!("holdfast-xtask-reset-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("precious"), "x").unwrap();
        assert!(empty(&dir).is_err());
        assert!(dir.join("precious").exists());
        mark(&dir).unwrap();
        empty(&dir).unwrap();
        assert!(!dir.exists());
        empty(&dir).unwrap();
    }
}
