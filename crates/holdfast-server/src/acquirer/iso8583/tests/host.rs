//! A host that does as it is told: it keeps every request, and a function says what to do with each.

use holdfast_iso8583::{Deframer, Dialect, Framing, Message, Mti};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What the host does with a request.
#[derive(Debug, Clone)]
pub enum Act {
    /// Answers with this code.
    Answer(&'static str),
    /// Answers so many times.
    Times(&'static str, usize),
    /// Says nothing now; the answer comes in front of the answer to the next request of another kind.
    Late(&'static str),
    Silence,
    Close,
    /// Answers with another amount.
    WrongAmount,
    /// Answers with bytes that are no message first.
    GarbageThen(&'static str),
}

type Script = dyn Fn(&Message, usize) -> Act + Send + Sync;

pub struct Host {
    pub port: u16,
    pub seen: Arc<Mutex<Vec<Message>>>,
    pub framing: Framing,
    pub dialect: Dialect,
}

impl Host {
    /// `script` is asked with each message about money, and how many of its kind came before it.
    pub async fn start(script: impl Fn(&Message, usize) -> Act + Send + Sync + 'static) -> Self {
        Self::start_with(None, Framing::default(), Dialect::standard(), script).await
    }

    pub async fn start_with(
        tls: Option<TlsAcceptor>,
        framing: Framing,
        dialect: Dialect,
        script: impl Fn(&Message, usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let host = Self { port, seen: Arc::default(), framing, dialect };
        let (seen, script): (_, Arc<Script>) = (Arc::clone(&host.seen), Arc::new(script));
        let (framing, dialect) = (host.framing.clone(), host.dialect.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let talk = Talk {
                    seen: Arc::clone(&seen),
                    script: Arc::clone(&script),
                    framing: framing.clone(),
                    dialect: dialect.clone(),
                    late: Vec::new(),
                };
                let tls = tls.clone();
                tokio::spawn(async move {
                    match tls {
                        None => talk.run(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                talk.run(stream).await;
                            }
                        }
                    }
                });
            }
        });
        host
    }

    /// Types of the messages about money, in order.
    pub fn types(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("not poisoned");
        seen.iter().filter(|m| !m.mti().is_network()).map(|m| m.mti().to_string()).collect()
    }

    /// The messages about money of one type.
    pub fn of(&self, mti: &str) -> Vec<Message> {
        let seen = self.seen.lock().expect("not poisoned");
        seen.iter().filter(|m| m.mti().as_str() == mti).cloned().collect()
    }
}

struct Talk {
    seen: Arc<Mutex<Vec<Message>>>,
    script: Arc<Script>,
    framing: Framing,
    dialect: Dialect,
    late: Vec<Message>,
}

impl Talk {
    async fn run(mut self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut deframer = Deframer::new(self.framing.clone());
        let mut buffer = vec![0; 4_096];
        loop {
            let Ok(count @ 1..) = reader.read(&mut buffer).await else { return };
            deframer.push(&buffer[..count]);
            while let Some(bytes) = deframer.next().expect("a frame") {
                let message = self.dialect.decode(&bytes).expect("a message");
                let Some(answers) = self.answers(message) else { return };
                for answer in answers {
                    if writer.write_all(&self.framing.frame(&answer).expect("frames")).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn answers(&mut self, message: Message) -> Option<Vec<Vec<u8>>> {
        let kind = message.mti().as_str()[..3].to_owned();
        let mut seen = self.seen.lock().expect("not poisoned");
        let before = seen.iter().filter(|m| m.mti().as_str().starts_with(&kind)).count();
        seen.push(message.clone());
        drop(seen);
        let act = if message.mti().is_network() { Act::Answer("00") } else { (self.script)(&message, before) };
        let mut answers: Vec<Vec<u8>> = self.late.drain(..).map(|late| encode(&self.dialect, &late)).collect();
        let right = |code| encode(&self.dialect, &answer_to(&message, code));
        match act {
            Act::Answer(code) => answers.push(right(code)),
            Act::Times(code, times) => answers.extend(std::iter::repeat_n(right(code), times)),
            Act::Late(code) => self.late.push(answer_to(&message, code)),
            Act::Silence => {}
            Act::Close => return None,
            Act::WrongAmount => {
                let mut answer = answer_to(&message, "00");
                answer.set(4, "1");
                answers.push(encode(&self.dialect, &answer));
            }
            Act::GarbageThen(code) => answers.extend([b"\x00no message".to_vec(), right(code)]),
        }
        Some(answers)
    }
}

fn encode(dialect: &Dialect, message: &Message) -> Vec<u8> {
    dialect.encode(message).expect("writes").to_vec()
}

fn answer_to(request: &Message, code: &str) -> Message {
    let mut digits: [u8; 4] = request.mti().as_str().as_bytes().try_into().expect("four");
    (digits[2], digits[3]) = (digits[2] + 1, b'0');
    let mut answer = Message::new(Mti::new(digits).expect("a type"));
    for field in [3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49, 70] {
        if let Some(value) = request.bytes(field) {
            answer.set(field, value);
        }
    }
    answer.set(39, code);
    if code == "00" {
        answer.set(38, "A00042");
    }
    answer
}
