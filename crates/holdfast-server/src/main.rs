//! The server's binary.

fn main() -> std::process::ExitCode {
    holdfast_server::cli::run()
}
