//! What stands before the cluster: a TCP address that leads to the primary's socket, as HAProxy does before Patroni.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

pub struct Relay {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The socket that new connections lead to, and nobody while there is none.
    to: Option<PathBuf>,
    live: Vec<TcpStream>,
}

impl Relay {
    /// Starts it. It ends with the process.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State::default()));
        let relay = Self { port, state: Arc::clone(&state) };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                thread::spawn(move || serve(client, &state));
            }
        });
        relay
    }

    /// Leads new connections to this socket; those that are open stay where they are.
    pub fn lead_to(&self, socket: PathBuf) {
        lock(&self.state).to = Some(socket);
    }

    /// Ends every connection and takes none.
    pub fn cut(&self) {
        let mut state = lock(&self.state);
        state.to = None;
        state.live.drain(..).for_each(end);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end(connection: TcpStream) {
    let _ = connection.shutdown(Shutdown::Both);
}

fn serve(client: TcpStream, state: &Mutex<State>) {
    let server = {
        let mut state = lock(state);
        let Some(server) = state.to.as_ref().and_then(|to| UnixStream::connect(to).ok()) else { return };
        let Ok(known) = client.try_clone() else { return };
        state.live.push(known);
        server
    };
    let (Ok(mut from_client), Ok(mut to_server)) = (client.try_clone(), server.try_clone()) else { return };
    let up = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut server, mut client) = (server, client);
    let _ = io::copy(&mut server, &mut client);
    // A server that is gone answers nobody any more.
    end(client);
    let _ = up.join();
}
