//! The acquirer against a scripted host, driven by the same processor as in the server: whatever happens to an answer, the host
//! holds at most one authorisation that was not taken back, and one capture.

mod host;
mod takeover;

use super::config::Config;
use super::counters::Counters;
use super::{Acquirer as _, Iso8583};
use crate::acquirer::{AcquirerError, Decision, FollowUp, RefundRequest};
use crate::clock::SystemClock;
use crate::ingest::ingest;
use crate::process::{Clock as _, Processor};
use crate::store::memory::MemoryLedger;
use crate::store::{Books, Ledger as _, Place};
use crate::testing::{GOOD, NOW, OneCardKey, SetClock, TestSigner, TestTill};
use holdfast_core::id::PaymentId;
use holdfast_core::limits::ACQUIRER_RETRY_MS_MAX;
use holdfast_core::money::Currency;
use holdfast_core::payment::PaymentState;
use holdfast_crypto::SecretBytes;
use holdfast_iso8583::{Dialect, Framing, LengthHeader, Message};
use host::{Act, Host};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_rustls::TlsAcceptor;

/// Long enough for a busy machine to answer, where an answer is meant to come.
const ANSWER_MS: u64 = 120_000;
/// Where one answer does not come. The others may then come too late as well, so nothing is asked of their number or order.
const SHORT_MS: u64 = 500;

fn config(port: u16, answer_ms: u64, more: &str) -> Config {
    let text = format!(
        "address = \"127.0.0.1:{port}\"\nterminal = \"TERM0001\"\nmerchant = \"MERCHANT0000001\"\ninstitution = \"123456\"\n\
         {more}"
    );
    let config = Config::parse(&text).expect("a configuration");
    Config { answer_ms, connect_ms: ANSWER_MS, ..config }
}

struct Desk {
    /// Where the log is.
    place: Place,
    _folder: Option<tempfile::TempDir>,
    ledger: Arc<MemoryLedger>,
    clock: SetClock,
    till: TestTill,
    signer: TestSigner,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place::Sqlite(folder.path().join("books.sqlite"));
        Self { _folder: Some(folder), ..Self::on(place) }
    }

    fn on(place: Place) -> Self {
        let till = TestTill::new(1);
        let ledger = Arc::new(MemoryLedger::new("epoch-1"));
        ledger.add_device(till.device());
        Self { place, _folder: None, ledger, clock: SetClock::at(NOW), till, signer: TestSigner::make() }
    }

    /// The acquirer of one more server.
    async fn acquirer(&self, config: Config) -> Arc<Iso8583> {
        let books = Arc::new(Books::open(&self.place, "epoch-1").await.expect("opens"));
        // The lines sign on by a clock of their own: it starts where the desk's does, whatever day it really is.
        let clock = SystemClock::with_offset_ms(self.clock.now_ms() - SystemClock::default().now_ms());
        Iso8583::start(config, books, clock).await.expect("starts")
    }

    async fn take(&mut self, amount_minor: i64) -> PaymentId {
        let (id, record) = self.till.payment(amount_minor, GOOD);
        let taken = ingest(&*self.ledger, &self.signer, NOW, &self.till.device(), vec![record]).await;
        assert_eq!(taken.expect("takes it").stored, [id]);
        id
    }

    fn processor(&self, acquirer: &Arc<Iso8583>) -> Processor<MemoryLedger, Iso8583, OneCardKey, SetClock> {
        let pan_key = SecretBytes::from([9; 32].as_slice());
        Processor::new(
            Arc::clone(&self.ledger),
            Arc::clone(acquirer),
            Arc::new(OneCardKey),
            self.clock.clone(),
            pan_key,
        )
    }

    async fn state(&self, id: PaymentId) -> PaymentState {
        self.ledger.payment(id).await.expect("reads").expect("is there").state
    }

    /// Runs the jobs until the payment is settled.
    async fn settle(&self, acquirer: &Arc<Iso8583>, id: PaymentId) -> &'static str {
        let (processor, end) = (self.processor(acquirer), Instant::now() + Duration::from_secs(300));
        loop {
            processor.process_due(50).await.expect("processes");
            let state = self.state(id).await;
            if state.is_settled() {
                return state.name();
            }
            assert!(Instant::now() < end, "still {} with {:?}", state.name(), acquirer.counters());
            self.clock.advance(ACQUIRER_RETRY_MS_MAX);
        }
    }
}

/// What stands at the host: authorisations (or refunds) of which no reversal is known, and the STANs of captures. Between two
/// authorisations of a payment there is a reversal of the first.
fn stands(host: &Host, mti: &str) -> (usize, usize) {
    let field = |message: &Message, number| message.trimmed(number).expect("a field").to_owned();
    let (mut standing, mut captures) = (Vec::new(), BTreeSet::new());
    for message in host.seen.lock().expect("not poisoned").iter() {
        match message.mti().as_str() {
            "0100" => {
                assert!(standing.is_empty(), "asked for anew while {standing:?} may stand");
                standing.push(field(message, 11));
            }
            asked if asked == mti => standing.push(field(message, 11)),
            "0420" | "0421" => standing.retain(|stan| field(message, 90)[4..10] != *stan),
            // An advice and its repeats have one STAN, by which a host knows them for one.
            "0220" | "0221" => {
                assert_eq!(standing.len(), 1, "captured without an authorisation");
                captures.insert(field(message, 11));
                if mti != "0100" {
                    standing.clear();
                }
            }
            _ => {}
        }
    }
    (standing.len(), captures.len())
}

/// Whether `types` came in this order. On a machine that stalls there may be repeats between them.
fn in_order(host: &Host, types: &[&str]) -> bool {
    let mut seen = host.types().into_iter();
    types.iter().all(|expected| seen.any(|found| found == *expected))
}

async fn check(
    name: &str,
    script: impl Fn(&Message, usize) -> Act + Send + Sync + 'static,
    answer_ms: u64,
    types: &[&str],
    counted: &dyn Fn(&Counters) -> bool,
) {
    let host = Host::start(script).await;
    let mut desk = Desk::new();
    let id = desk.take(1_060).await;
    let acquirer = desk.acquirer(config(host.port, answer_ms, "")).await;
    assert_eq!(desk.settle(&acquirer, id).await, "captured", "{name}");
    assert!(in_order(&host, types), "{name}: {:?}", host.types());
    assert_eq!(stands(&host, "0100"), (1, 1), "{name}: {:?}", host.types());
    let end = Instant::now() + Duration::from_secs(60);
    while !counted(acquirer.counters()) {
        assert!(Instant::now() < end, "{name}: {:?}", acquirer.counters());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_authorised_and_captured() {
    let host = Host::start(|_, _| Act::Answer("00")).await;
    let mut desk = Desk::new();
    let id = desk.take(1_060).await;
    let acquirer = desk.acquirer(config(host.port, ANSWER_MS, "")).await;
    assert_eq!(desk.settle(&acquirer, id).await, "captured");
    assert!(matches!(desk.state(id).await, PaymentState::Captured { approval_code, .. } if approval_code == "A00042"));
    let [asked] = host.of("0100").try_into().expect("one");
    let text = |number| asked.text(number).map(str::to_owned);
    assert_eq!(text(2).as_deref(), Some(GOOD));
    assert_eq!((text(3).as_deref(), text(4).as_deref()), (Some("000000"), Some("000000001060")));
    assert_eq!((text(7).as_deref(), text(12).as_deref()), (Some("1123150000"), Some("150000")));
    assert_eq!((text(14).as_deref(), text(22).as_deref()), (Some("3012"), Some("902")));
    assert_eq!((text(32).as_deref(), text(49).as_deref()), (Some("123456"), Some("978")));
    assert_eq!(text(60).as_deref(), Some("5206"), "it was taken offline, and says so");
    let [captured] = host.of("0220").try_into().expect("one");
    assert_eq!((captured.text(2), captured.text(37)), (None, asked.text(37)), "the card is wiped by then");
    assert_eq!(captured.text(38), Some("A00042"));
    let original = format!("0100{}112315000000000123456{:011}", asked.text(11).expect("a STAN"), 0);
    assert_eq!(captured.text(90), Some(original.as_str()));
    let signed_on = host.of("0800");
    assert_eq!(signed_on.first().and_then(|message| message.text(70)), Some("001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_stands_with_its_code_and_is_not_asked_again() {
    for code in ["05", "51", "54", "91"] {
        let host = Host::start(move |_, _| Act::Answer(code)).await;
        let mut desk = Desk::new();
        let id = desk.take(1_060).await;
        let acquirer = desk.acquirer(config(host.port, ANSWER_MS, "")).await;
        assert_eq!(desk.settle(&acquirer, id).await, "declined");
        assert!(matches!(desk.state(id).await, PaymentState::Declined { decline, .. } if decline.code == code));
        assert_eq!(host.types(), ["0100"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_without_an_answer_is_reversed_before_anything_else() {
    let first = |act: Act| {
        move |message: &Message, before: usize| {
            if message.mti().as_str() == "0100" && before == 0 { act.clone() } else { Act::Answer("00") }
        }
    };
    let types = ["0100", "0420", "0100", "0220"];
    check("dropped", first(Act::Silence), SHORT_MS, &types, &|c| c.time_outs.get() >= 1 && c.reversals.get() >= 1)
        .await;
    check("closed", first(Act::Close), ANSWER_MS, &types, &|c| c.connects.get() >= 2 && c.reversals.get() >= 1).await;
    check("late", first(Act::Late("00")), SHORT_MS, &types, &|c| c.late.get() >= 1).await;
    check("mismatched", first(Act::WrongAmount), SHORT_MS, &types, &|c| c.mismatches.get() >= 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_is_repeated_until_it_is_answered() {
    let script = |message: &Message, before: usize| match (&message.mti().as_str()[..3], before) {
        ("010", 0) => Act::Silence,
        ("042", 0 | 1) => Act::Silence,
        ("042", 2) => Act::Answer("96"),
        // It never arrived there: nothing to reverse is as good as reversed.
        ("042", _) => Act::Answer("25"),
        _ => Act::Answer("00"),
    };
    let types = ["0100", "0420", "0421", "0421", "0421", "0100", "0220"];
    check("reversal", script, SHORT_MS, &types, &|c| c.reversals.get() >= 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_without_an_answer_is_repeated_under_its_numbers() {
    for (name, again) in [("told anew", "00"), ("known there", "94")] {
        let script = move |message: &Message, before: usize| match (&message.mti().as_str()[..3], before) {
            ("022", 0) => Act::Silence,
            ("022", _) => Act::Answer(again),
            _ => Act::Answer("00"),
        };
        check(name, script, SHORT_MS, &["0100", "0220", "0221"], &|c| c.time_outs.get() >= 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_come_twice_or_cannot_be_read_change_nothing() {
    let types = ["0100", "0220"];
    check("twice", |_, _| Act::Times("00", 3), ANSWER_MS, &types, &|c| c.duplicates.get() == 4).await;
    check("garbage", |_, _| Act::GarbageThen("00"), ANSWER_MS, &types, &|c| c.unreadable.get() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_capture_gives_the_authorisation_back() {
    let script = |message: &Message, before: usize| match (&message.mti().as_str()[..3], before) {
        ("022", _) => Act::Answer("57"),
        ("042", 0) => Act::Silence,
        _ => Act::Answer("00"),
    };
    let host = Host::start(script).await;
    let mut desk = Desk::new();
    let id = desk.take(1_060).await;
    let acquirer = desk.acquirer(config(host.port, SHORT_MS, "")).await;
    assert_eq!(desk.settle(&acquirer, id).await, "declined");
    assert!(in_order(&host, &["0100", "0220", "0420", "0421"]), "{:?}", host.types());
    assert_eq!(stands(&host, "0100").0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_in_part_is_given_back_and_declined() {
    let script = |message: &Message, _| Act::Answer(if message.mti().as_str() == "0100" { "10" } else { "00" });
    let host = Host::start(script).await;
    let mut desk = Desk::new();
    let id = desk.take(1_060).await;
    let acquirer = desk.acquirer(config(host.port, ANSWER_MS, "")).await;
    assert_eq!(desk.settle(&acquirer, id).await, "declined");
    assert_eq!((host.types(), stands(&host, "0100").0), (vec!["0100".to_owned(), "0420".to_owned()], 0));
}

/// The process is killed between request and answer: another one finds the exchange open in the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_what_was_open() {
    let script = |message: &Message, before: usize| match (message.mti().as_str(), before) {
        ("0100", 0) => Act::Silence,
        ("0220", 0) => Act::Silence,
        _ => Act::Answer("00"),
    };
    let host = Host::start(script).await;
    let mut desk = Desk::new();
    let id = desk.take(1_060).await;
    for awaited in ["0100", "0220"] {
        let acquirer = desk.acquirer(config(host.port, ANSWER_MS, "")).await;
        let processor = desk.processor(&acquirer);
        let run = tokio::spawn(async move { while processor.process_due(50).await.is_ok() {} });
        let end = Instant::now() + Duration::from_secs(60);
        while host.of(awaited).is_empty() {
            assert!(Instant::now() < end, "no {awaited} in {:?}", host.types());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        run.abort();
        let _ = run.await;
        desk.ledger.release_leases().await.expect("releases");
    }
    let acquirer = desk.acquirer(config(host.port, ANSWER_MS, "")).await;
    assert_eq!(desk.settle(&acquirer, id).await, "captured");
    assert_eq!(host.types(), ["0100", "0420", "0100", "0220", "0221"]);
    assert_eq!(stands(&host, "0100"), (1, 1));
    // A STAN is unique within the day on which a message is sent (field 7, MMDDhhmmss); a repeat has the number of its advice.
    let field = |message: &Message, number| message.text(number).expect("a field").to_owned();
    let seen = host.seen.lock().expect("not poisoned");
    let stans: Vec<_> = seen.iter().map(|m| (m.mti(), field(m, 7)[..4].to_owned(), field(m, 11))).collect();
    let mut numbers = BTreeSet::new();
    let is_new =
        stans.iter().filter(|stan| stan.0.as_str() != "0221").all(|(_, day, stan)| numbers.insert((day, stan)));
    assert!(is_new, "no STAN is given out twice in a day, across restarts: {stans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_down_keeps_payments_waiting() {
    let mut desk = Desk::new();
    let id = desk.take(1_060).await;
    // It takes connections and says nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut config = config(listener.local_addr().expect("an address").port(), SHORT_MS, "");
    config.connect_ms = 100;
    let acquirer = desk.acquirer(config).await;
    for _ in 0..3 {
        desk.processor(&acquirer).process_due(50).await.expect("processes");
        desk.clock.advance(ACQUIRER_RETRY_MS_MAX);
    }
    assert_eq!(desk.state(id).await.name(), "authorising");
    assert_eq!(acquirer.counters().connects.get(), 0);
    let exchanges = acquirer.log.of(&id.to_string()).await.expect("reads");
    assert!(exchanges.iter().all(|exchange| exchange.state == super::log::State::Unsent), "{exchanges:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_are_named_and_not_paid_twice() {
    let script = |message: &Message, before: usize| match (message.mti().as_str(), before) {
        ("0200", 0) => Act::Silence,
        _ => Act::Answer("00"),
    };
    let host = Host::start(script).await;
    let mut desk = Desk::new();
    let id = desk.take(1_060).await;
    let acquirer = desk.acquirer(config(host.port, SHORT_MS, "")).await;
    let refund = |number, amount_minor| RefundRequest { reference: id, number, amount_minor, currency: Currency::EUR };
    let not_yet = acquirer.refund(NOW, refund(1, 500)).await;
    assert_eq!(not_yet, Ok(Decision::Declined { code: "25".into() }));
    assert_eq!(desk.settle(&acquirer, id).await, "captured");
    assert_eq!(acquirer.refund(NOW, refund(1, 500)).await, Err(AcquirerError::TimedOut));
    for (number, amount_minor) in [(1, 500), (1, 500), (2, 560), (2, 560)] {
        let end = Instant::now() + Duration::from_secs(120);
        let paid = loop {
            match acquirer.refund(NOW, refund(number, amount_minor)).await {
                Err(_) => assert!(Instant::now() < end, "{:?}", host.types()),
                Ok(decision) => break decision,
            }
        };
        assert!(matches!(paid, Decision::Approved { .. }), "{number}: {paid:?}");
    }
    assert!(in_order(&host, &["0100", "0220", "0200", "0420", "0200", "0200"]), "{:?}", host.types());
    assert_eq!(stands(&host, "0200").0, 2, "{:?}", host.types());
    let voided = acquirer.reverse(NOW, FollowUp { reference: id, amount_minor: 1_060, currency: Currency::EUR }).await;
    assert_eq!(voided, Ok(Decision::Declined { code: "12".into() }), "what was captured goes back by refunds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialect_and_a_framing_are_configuration() {
    let more = "connections = 3\nrrn = \"julian\"\nframing = { header = \"ascii-4\", counts_itself = true, prefix = \"6000010000\" }\n\
                [deferred]\n25 = \"06\"\n[dialect]\nmti = \"bcd\"\nnumeric = \"bcd\"\nlength = \"bcd\"\n[dialect.fields]\n37 = \"n12\"\n";
    let config = config(1, ANSWER_MS, more);
    let (framing, dialect) = (config.framing.clone(), config.dialect.clone());
    assert_eq!(framing.header, LengthHeader::Ascii4);
    let host = Host::start_with(None, framing, dialect, |_, _| Act::Answer("00")).await;
    let mut desk = Desk::new();
    let ids = [desk.take(100).await, desk.take(200).await, desk.take(300).await];
    let acquirer = desk.acquirer(Config { address: format!("127.0.0.1:{}", host.port), ..config }).await;
    for id in ids {
        assert_eq!(desk.settle(&acquirer, id).await, "captured");
    }
    assert!(host.of("0100").iter().all(|m| m.text(25) == Some("06") && m.text(37).is_some_and(|rrn| rrn.len() == 12)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_with_the_right_host_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::make();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, authority.certificate.pem()).expect("writes");
    let host =
        Host::start_with(Some(authority.acceptor("acquirer.test")), Framing::default(), Dialect::standard(), |_, _| {
            Act::Answer("00")
        })
        .await;
    let tls = |name: &str| format!("[tls]\nca_file = \"{}\"\nserver_name = \"{name}\"\n", ca_file.display());
    let mut desk = Desk::new();
    let id = desk.take(1_060).await;
    let acquirer = desk.acquirer(config(host.port, ANSWER_MS, &tls("acquirer.test"))).await;
    assert_eq!(desk.settle(&acquirer, id).await, "captured");
    let before = host.seen.lock().expect("not poisoned").len();

    let mut wrong = config(host.port, ANSWER_MS, &tls("another.test"));
    wrong.connect_ms = 1_000;
    let mut plain = config(host.port, ANSWER_MS, "");
    plain.connect_ms = 1_000;
    for config in [wrong, plain] {
        let mut desk = Desk::new();
        let id = desk.take(1_060).await;
        let acquirer = desk.acquirer(config).await;
        desk.processor(&acquirer).process_due(50).await.expect("processes");
        assert_eq!((desk.state(id).await.name(), acquirer.counters().connects.get()), ("authorising", 0));
    }
    assert_eq!(
        host.seen.lock().expect("not poisoned").len(),
        before,
        "nothing was sent to a host that is not the right one"
    );
}

/// An authority that lives as long as a test.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn make() -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("signs");
        Self { certificate, issuer: rcgen::Issuer::new(params, key) }
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.issuer).expect("signs");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate");
        TlsAcceptor::from(Arc::new(config))
    }
}
