//! A plain TCP balancer: every connection goes to the next replica that takes it. It knows nothing of HTTP.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Starts it, and gives its port. It ends with the process.
pub fn start(replicas: Vec<u16>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let next = AtomicUsize::new(0);
        for client in listener.incoming().flatten() {
            let first = next.fetch_add(1, Ordering::Relaxed);
            let replicas = replicas.clone();
            thread::spawn(move || serve(client, &replicas, first));
        }
    });
    port
}

fn serve(client: TcpStream, replicas: &[u16], first: usize) {
    let in_turn = (0..replicas.len()).map(|at| replicas[(first + at) % replicas.len()]);
    // One that was killed refuses the connection, and the next one is asked. When all do, the client is cut off.
    let Some(server) = in_turn.filter_map(|port| TcpStream::connect(("127.0.0.1", port)).ok()).next() else { return };
    let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else { return };
    let up = thread::spawn(move || pour(from_client, to_server));
    pour(server, client);
    let _ = up.join();
}

fn pour(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
