//! A tap on the line: it passes every message on, keeps it, and spoils answers as it is told.

use holdfast_iso8583::{Deframer, Dialect, DialectConfig, Framing, LengthHeader, Message};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::peer::Speech;

/// What happens to an answer of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    Pass,
    /// It never arrives.
    Drop,
    Twice,
    /// It arrives behind the next answer that arrives.
    Late,
    /// The line is cut instead.
    Cut,
}

/// One message, and who sent it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The port on which the server called.
    pub port: u16,
    pub from_host: bool,
    pub message: Message,
}

type Rule = dyn Fn(&Message, usize) -> Spoil + Send + Sync;

/// The tap. Its threads end with the process.
pub struct Tap {
    pub port: u16,
    line: Line,
}

impl Tap {
    /// `rule` is asked with each answer, and how many of its type came before it.
    pub fn start(
        host_port: u16,
        speech: Speech,
        rule: impl Fn(&Message, usize) -> Spoil + Send + Sync + 'static,
    ) -> Self {
        let line = Line { seen: Arc::default(), rule: Arc::new(rule), speech, port: 0 };
        line.listen(host_port)
    }

    /// One more port to the same host, for another server: what is said there is kept among the rest, and told apart by its port.
    pub fn another(&self, host_port: u16) -> Self {
        self.line.clone().listen(host_port)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.line.seen.lock().expect("not poisoned").clone()
    }
}

#[derive(Clone)]
struct Line {
    seen: Arc<Mutex<Vec<Seen>>>,
    rule: Arc<Rule>,
    speech: Speech,
    port: u16,
}

impl Line {
    fn listen(mut self, host_port: u16) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        self.port = listener.local_addr().expect("an address").port();
        let (port, line) = (self.port, self.clone());
        thread::spawn(move || {
            for ours in listener.incoming().map_while(Result::ok) {
                // A host that is gone: the line is cut, as it would be.
                let Ok(host) = TcpStream::connect(("127.0.0.1", host_port)) else { continue };
                line.clone().connect(ours, host);
            }
        });
        Tap { port, line: self }
    }

    fn connect(self, ours: TcpStream, host: TcpStream) {
        let again = |stream: &TcpStream| stream.try_clone().expect("the same line");
        let (from_us, to_host, there) = (again(&ours), again(&host), self.clone());
        thread::spawn(move || there.pass(from_us, to_host, false));
        thread::spawn(move || self.pass(host, ours, true));
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream, from_host: bool) {
        let (framing, dialect) = spoken(self.speech);
        let mut deframer = Deframer::new(framing.clone());
        let (mut buffer, mut late) = (vec![0; 4_096], Vec::new());
        'line: while let Ok(count @ 1..) = from.read(&mut buffer) {
            deframer.push(&buffer[..count]);
            while let Some(bytes) = deframer.next().expect("frames as configured") {
                let message = dialect.decode(&bytes).expect("a message as configured");
                let spoil = self.keep(message, from_host);
                let frame = framing.frame(&bytes).expect("the same frame").to_vec();
                let send = match spoil {
                    Spoil::Pass => [frame, std::mem::take(&mut late)].concat(),
                    Spoil::Twice => [frame.clone(), frame].concat(),
                    Spoil::Drop => Vec::new(),
                    Spoil::Late => {
                        late.extend(frame);
                        Vec::new()
                    }
                    Spoil::Cut => break 'line,
                };
                if to.write_all(&send).is_err() {
                    break 'line;
                }
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    fn keep(&self, message: Message, from_host: bool) -> Spoil {
        let mut seen = self.seen.lock().expect("not poisoned");
        let before = seen.iter().filter(|s| s.from_host == from_host && s.message.mti() == message.mti()).count();
        seen.push(Seen { port: self.port, from_host, message: message.clone() });
        drop(seen);
        if from_host { (self.rule)(&message, before) } else { Spoil::Pass }
    }
}

/// The host's way of writing, read from our own configuration.
fn spoken(speech: Speech) -> (Framing, Dialect) {
    let file: toml::Table = speech.ours.parse().expect("TOML");
    let header = match speech.header {
        "4a" => LengthHeader::Ascii4,
        "4b" => LengthHeader::Binary4,
        _ => LengthHeader::Binary2,
    };
    let config: DialectConfig =
        file.get("dialect").map(|table| table.clone().try_into().expect("a dialect")).unwrap_or_default();
    (Framing { header, ..Framing::default() }, Dialect::from_config(&config).expect("a dialect"))
}
