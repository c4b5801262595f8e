//! Connections to the host: made, kept, signed on, asked whether they live, and made again with growing pauses. Whoever sends
//! waits for the answer with the same numbers; an answer that nobody waits for is counted and changes nothing.

use super::config::{Config, ConfigError};
use super::counters::Counters;
use super::log::{Exchange, Kind, Log, LogError, State};
use super::messages;
use super::tls::Connector;
use super::turn::Turn;
use crate::clock::SystemClock;
use crate::process::Clock as _;
use holdfast_iso8583::{Deframer, Message};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// First and longest pause between two attempts to connect.
const RETRY_MS_MIN: u64 = 250;
const RETRY_MS_MAX: u64 = 30_000;
/// Numbers of answers that are remembered, so that a duplicate is known before its first is in the log.
const ANSWERED_MAX: usize = 1_024;
/// Requests that may stand in a connection's queue: as many as there are payments in flight.
const QUEUE_MAX: usize = 256;

/// What became of a request.
#[derive(Debug)]
pub enum Outcome {
    Answer(Message),
    /// It certainly never left.
    Unsent,
    /// It may have arrived, and no answer is known.
    Lost,
}

/// A message on its way out, which leaves by then or never.
type Frame = (Instant, Zeroizing<Vec<u8>>);
type Queue = mpsc::Sender<Frame>;
/// STAN and reference number. Network messages have no reference number.
type Key = (u32, String);

struct Waiting {
    request: Message,
    connection: usize,
    answer: oneshot::Sender<Message>,
}

/// What the connections share.
pub struct Shared {
    pub config: Config,
    pub log: Arc<Log>,
    pub counters: Counters,
    tls: Option<Connector>,
    clock: SystemClock,
    waiting: Mutex<HashMap<Key, Waiting>>,
    answered: Mutex<VecDeque<Key>>,
    /// The queue of each connection that is signed on.
    ready: watch::Sender<Vec<Option<Queue>>>,
    turn: AtomicUsize,
}

/// The connections. They end with it.
pub struct Line {
    pub shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Line {
    /// Begins to connect.
    ///
    /// # Errors
    /// [`ConfigError`] when the TLS files cannot be used.
    pub fn open(config: Config, log: Arc<Log>, clock: SystemClock) -> Result<Self, ConfigError> {
        let tls = config.tls.as_ref().map(Connector::new).transpose()?;
        let connections = config.connections;
        let (ready, _) = watch::channel(vec![None; connections]);
        let shared = Arc::new(Shared {
            config,
            log,
            counters: Counters::default(),
            tls,
            clock,
            waiting: Mutex::default(),
            answered: Mutex::default(),
            ready,
            turn: AtomicUsize::new(0),
        });
        let start = |at| tokio::spawn(keep(Arc::clone(&shared), at));
        Ok(Self { tasks: (0..connections).map(start).collect(), shared })
    }

    /// Whether a connection is signed on.
    pub fn is_ready(&self) -> bool {
        self.shared.ready.borrow().iter().any(Option::is_some)
    }

    /// Sends a request over a connection that is signed on, while its turn lasts, and waits for its answer.
    pub async fn ask(&self, turn: Turn, request: Message) -> Outcome {
        let shared = &self.shared;
        let wait = turn.leaves_by.saturating_duration_since(Instant::now());
        let Ok(Some((at, queue))) = tokio::time::timeout(wait, shared.pick()).await else { return Outcome::Unsent };
        shared.ask(at, &queue, turn.leaves_by, request).await
    }
}

impl Shared {
    /// A connection that is signed on, each in its turn.
    async fn pick(&self) -> Option<(usize, Queue)> {
        let mut ready = self.ready.subscribe();
        let lines = ready.wait_for(|lines| lines.iter().any(Option::is_some)).await.ok()?;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = lines.len();
        (0..count).map(|step| (turn + step) % count).find_map(|at| Some((at, lines.get(at)?.clone()?)))
    }

    async fn ask(&self, at: usize, queue: &Queue, leaves_by: Instant, request: Message) -> Outcome {
        let config = &self.config;
        let encoded = config.dialect.encode(&request);
        let framed = encoded.map_err(|error| error.to_string());
        let framed = framed.and_then(|bytes| config.framing.frame(&bytes).map_err(|error| error.to_string()));
        let (Ok(frame), Some(key)) = (&framed, key(&request)) else {
            tracing::error!(error = framed.err(), "a request cannot be written; look at the acquirer's dialect");
            return Outcome::Unsent;
        };
        let (answer, answered) = oneshot::channel();
        self.waiting().insert(key.clone(), Waiting { request, connection: at, answer });
        // What was accepted here may leave: from now on no answer is a doubt.
        if queue.try_send((leaves_by, frame.clone())).is_err() {
            self.waiting().remove(&key);
            return Outcome::Unsent;
        }
        self.counters.sent.add();
        match tokio::time::timeout(Duration::from_millis(config.answer_ms), answered).await {
            Ok(Ok(message)) => Outcome::Answer(message),
            Ok(Err(_)) => Outcome::Lost,
            Err(_) => {
                self.waiting().remove(&key);
                self.counters.time_outs.add();
                Outcome::Lost
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Key, Waiting>> {
        // Every change of the map is one call: a panic elsewhere leaves nothing half done in it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self) -> MutexGuard<'_, VecDeque<Key>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, key: Key) {
        let mut answered = self.answered();
        if answered.len() >= ANSWERED_MAX {
            answered.pop_front();
        }
        answered.push_back(key);
    }

    fn set_ready(&self, at: usize, queue: Option<Queue>) {
        self.ready.send_modify(|lines| {
            if let Some(line) = lines.get_mut(at) {
                *line = queue;
            }
        });
    }

    /// Takes a message from the host. Some requests of the host are answered.
    async fn take(&self, bytes: &[u8], queue: &Queue) {
        let message = match self.config.dialect.decode(bytes) {
            Ok(message) => message,
            Err(error) => {
                self.counters.unreadable.add();
                tracing::warn!(%error, "a message of the acquirer cannot be read");
                return;
            }
        };
        if message.mti().is_request() {
            self.answer(&message, queue);
            return;
        }
        let Some(key) = key(&message) else {
            self.counters.strays.add();
            return;
        };
        let waiting = {
            let mut waiting = self.waiting();
            match waiting.get(&key).map(|asked| is_answer(&asked.request, &message)) {
                Some(true) => waiting.remove(&key),
                Some(false) => {
                    self.counters.mismatches.add();
                    tracing::warn!(stan = key.0, rrn = key.1, "an answer does not fit its request and is not taken");
                    return;
                }
                None => None,
            }
        };
        match waiting {
            Some(asked) => {
                self.counters.answers.add();
                self.remember(key);
                // Whoever asked may have given up in this very moment: then it is a doubt for them, as it should be.
                let _ = asked.answer.send(message);
            }
            None => self.unasked(&key, &message).await,
        }
    }

    /// Nobody waits for it: late, a duplicate, or nothing of ours.
    async fn unasked(&self, key: &Key, message: &Message) {
        let found = self.log.by_numbers(key.0, &key.1).await.ok().flatten();
        let (counter, what) = match &found {
            _ if self.answered().contains(key) => (&self.counters.duplicates, "a duplicate"),
            Some(exchange) if exchange.state == State::Answered => (&self.counters.duplicates, "a duplicate"),
            Some(exchange) => {
                if let Err(error) = self.came_late(exchange, message.trimmed(39).unwrap_or_default()).await {
                    tracing::error!(%error, reference = exchange.reference, "what stands at the acquirer is not known for sure");
                }
                (&self.counters.late, "late")
            }
            None => (&self.counters.strays, "to nothing that was asked"),
        };
        counter.add();
        tracing::warn!(stan = key.0, rrn = key.1, what, "an answer that nobody waits for");
    }

    /// An answer came after its exchange was settled otherwise. What the acquirer approves after it confirmed that it is taken back may stand
    /// there: it is taken back once more.
    pub async fn came_late(&self, exchange: &Exchange, code: &str) -> Result<(), LogError> {
        let may_stand =
            matches!(exchange.kind, Kind::Authorisation | Kind::Refund) && self.config.codes.is_approved(code);
        if may_stand { self.log.reopen_reversal(exchange, self.clock.now_ms()).await } else { Ok(()) }
    }

    fn answer(&self, request: &Message, queue: &Queue) {
        let Some(answer) = messages::network_answer(request) else {
            self.counters.strays.add();
            return;
        };
        let bytes = self.config.dialect.encode(&answer).ok();
        if let Some(frame) = bytes.and_then(|bytes| self.config.framing.frame(&bytes).ok()) {
            // A full queue means that the line is stuck; the host will ask again.
            let _ = queue.try_send((Instant::now() + Duration::from_millis(self.config.answer_ms), frame));
        }
    }
}

fn key(message: &Message) -> Option<Key> {
    let stan = message.trimmed(11)?.parse().ok()?;
    let rrn = if message.mti().is_network() { "" } else { message.trimmed(37)? };
    Some((stan, rrn.to_owned()))
}

/// Beside the numbers, the kind must fit, and amount, currency and terminal as far as the answer has them.
fn is_answer(request: &Message, answer: &Message) -> bool {
    let same = |field| answer.trimmed(field).is_none_or(|value| Some(value) == request.trimmed(field));
    let padded = |message: &Message, field| message.trimmed(field).and_then(|digits| digits.parse::<u64>().ok());
    let same_amount = answer.bytes(4).is_none() || padded(answer, 4) == padded(request, 4);
    answer.mti().answers(request.mti()) && answer.bytes(39).is_some() && same_amount && same(41) && same(49)
}

/// One connection, for ever.
async fn keep(shared: Arc<Shared>, at: usize) {
    let mut pause_ms = RETRY_MS_MIN;
    loop {
        let wait = Duration::from_millis(shared.config.connect_ms);
        match tokio::time::timeout(wait, TcpStream::connect(&shared.config.address)).await {
            Ok(Ok(stream)) => {
                // Small messages, each waited for.
                let _ = stream.set_nodelay(true);
                let error = match &shared.tls {
                    None => talk(&shared, at, stream, &mut pause_ms).await,
                    Some(tls) => match tokio::time::timeout(wait, tls.connect(stream)).await {
                        Ok(Ok(stream)) => talk(&shared, at, stream, &mut pause_ms).await,
                        Ok(Err(error)) => error.to_string(),
                        Err(_) => "no TLS handshake in time".to_owned(),
                    },
                };
                tracing::warn!(error, "the connection to the acquirer ended");
            }
            Ok(Err(error)) => tracing::warn!(%error, "the acquirer cannot be reached"),
            Err(_) => tracing::warn!("the acquirer cannot be reached in time"),
        }
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        pause_ms = (pause_ms * 2).min(RETRY_MS_MAX);
    }
}

/// One connection until it ends, and why it did.
async fn talk<S>(shared: &Shared, at: usize, stream: S, pause_ms: &mut u64) -> String
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (reader, writer) = tokio::io::split(stream);
    let (queue, queued) = mpsc::channel(QUEUE_MAX);
    let why = tokio::select! {
        why = read(shared, reader, &queue) => why,
        why = write(writer, queued) => why,
        why = watch_over(shared, at, &queue, pause_ms) => why,
    };
    shared.set_ready(at, None);
    // Whoever waits for an answer over this connection waits in vain: dropping their side tells them.
    shared.waiting().retain(|_, waiting| waiting.connection != at);
    why
}

async fn read(shared: &Shared, mut reader: impl AsyncRead + Unpin, queue: &Queue) -> String {
    let mut deframer = Deframer::new(shared.config.framing.clone());
    let mut buffer = Zeroizing::new(vec![0; 4_096]);
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) => return "the acquirer closed it".to_owned(),
            Ok(count) => deframer.push(buffer.get(..count).unwrap_or_default()),
            Err(error) => return error.to_string(),
        }
        loop {
            match deframer.next() {
                Ok(Some(message)) => shared.take(&message, queue).await,
                Ok(None) => break,
                Err(error) => return error.to_string(),
            }
        }
    }
}

async fn write(mut writer: impl AsyncWrite + Unpin, mut queued: mpsc::Receiver<Frame>) -> String {
    while let Some((leaves_by, frame)) = queued.recv().await {
        if Instant::now() > leaves_by {
            continue;
        }
        let written = async {
            writer.write_all(&frame).await?;
            writer.flush().await
        };
        if let Err(error) = written.await {
            return error.to_string();
        }
    }
    "the queue is gone".to_owned()
}

/// Signs on, opens the connection to requests, and asks at intervals whether the host is still there.
async fn watch_over(shared: &Shared, at: usize, queue: &Queue, pause_ms: &mut u64) -> String {
    if shared.config.sign_on
        && let Err(why) = network(shared, at, queue, messages::SIGN_ON).await
    {
        return format!("no sign-on: {why}");
    }
    *pause_ms = RETRY_MS_MIN;
    shared.counters.connects.add();
    tracing::info!(connection = at, "signed on to the acquirer");
    shared.set_ready(at, Some(queue.clone()));
    loop {
        tokio::time::sleep(Duration::from_millis(shared.config.echo_ms)).await;
        if let Err(why) = network(shared, at, queue, messages::ECHO).await {
            return format!("no echo: {why}");
        }
    }
}

async fn network(shared: &Shared, at: usize, queue: &Queue, about: &str) -> Result<(), String> {
    let now_ms = shared.clock.now_ms();
    let stan = shared.log.stan(now_ms).await.map_err(|error| error.to_string())?;
    let leaves_by = Instant::now() + Duration::from_millis(shared.config.connect_ms);
    match shared.ask(at, queue, leaves_by, messages::network(stan, now_ms, about)).await {
        Outcome::Answer(answer) => match answer.trimmed(39).unwrap_or_default() {
            code if shared.config.codes.is_approved(code) => Ok(()),
            code => Err(format!("refused with {code}")),
        },
        Outcome::Unsent | Outcome::Lost => Err("no answer".to_owned()),
    }
}
