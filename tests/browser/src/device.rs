//! Fresh devices: enrolled with the page's server, under names that no other test uses.

use crate::js::{JOURNAL_JS, blob_url};
use crate::server::{Installed, Server};
use getrandom::SysRng;
use holdfast_core::card::Card;
use holdfast_core::cart::Cart;
use holdfast_core::id::PaymentId;
use holdfast_core::money::{Amount, Currency};
use holdfast_crypto::envelope::{CardPlaintext, Pos, PublicCardKey, WrappedContentKey, seal as seal_envelope};
use holdfast_web::Device;
use holdfast_web::device::{SealFor, TakeOutcome, TakePayment};
use holdfast_web::idb::MONEY_VERSION;
use holdfast_web::journal::Journal;
use holdfast_web::shared::Names;
use holdfast_wire::record::SaleWire;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

thread_local! {
    static SERVER: RefCell<Option<Rc<Server>>> = const { RefCell::new(None) };
    static COUNT: Cell<u32> = const { Cell::new(0) };
    static JOURNAL_URL: String = blob_url(JOURNAL_JS);
}

/// A test's world: the server in `fetch`'s place, and the names of this test's stores.
pub struct World {
    pub server: Rc<Server>,
    pub names: Names,
    pub roots: String,
    _installed: Installed,
}

impl World {
    /// The keys are made once for all tests; everything else is fresh.
    pub async fn new() -> Self {
        let made = SERVER.with_borrow(|s| s.clone());
        let server = match made {
            Some(server) => server,
            None => Server::make().await,
        };
        SERVER.set(Some(Rc::clone(&server)));
        server.batches.set(crate::server::Batches::Good);
        server.keyset_version.set(7);
        server.foreign_root.set(false);
        server.wrong_nonce.set(false);
        server.portal.set(false);
        server.polls_answer.set(true);
        server.revoked.set(false);
        server.heartbeats.set(0);
        server.records.borrow_mut().clear();
        let roots = server.roots_json().await;
        Self { _installed: server.install(), names: fresh_names(), roots, server }
    }

    pub async fn open(&self) -> Device {
        Device::open_as(&self.roots, &self.names).await.expect("a device")
    }

    pub async fn enrolled(&self) -> Device {
        let device = self.open().await;
        device.enrol("code", "Till").await.expect("an enrolment");
        assert!(device.card_key().is_some() && device.shop().is_some());
        device
    }
}

/// Names that no other test uses.
pub fn fresh_names() -> Names {
    let n = COUNT.get() + 1;
    COUNT.set(n);
    let name = |what: &str| format!("test-{what}-{n}-{}", js_sys::Date::now());
    Names {
        money: name("money"),
        money_version: MONEY_VERSION,
        journal: name("journal"),
        journal_worker: Some(JOURNAL_URL.with(Clone::clone)),
        shelf: name("shelf"),
    }
}

/// A payment of 8.40 with a keyed test card.
pub async fn payment(device: &Device) -> TakePayment {
    let number = device.next_sale_number().await.expect("a number");
    let mut cart = Cart::new(Currency::EUR);
    cart.add_amount("Flat white", Amount::new(840, Currency::EUR), 1_900).expect("a line");
    let card = card();
    TakePayment {
        id: device.make_payment_id(),
        amount: cart.total(),
        sale: SaleWire::from_cart(&number, &cart),
        card: card.summary(),
        offline: true,
        unanswered: true,
        tag: None,
        approval: None,
    }
}

pub fn card() -> Card {
    holdfast_testkit::build::keyed("4242424242424242")
}

/// Seals the test card as the page does.
pub fn seal(to: &SealFor) -> Result<String, String> {
    let key = PublicCardKey::parse(&to.card_key.kid, &to.card_key.n, &to.card_key.e).map_err(|e| e.to_string())?;
    let wrapped = WrappedContentKey::make(&key, &mut SysRng).map_err(|e| e.to_string())?;
    let pos = Pos {
        v: Pos::VERSION,
        mid: to.mid.clone(),
        did: to.did.clone(),
        pid: to.pid.clone(),
        seq: to.seq,
        amt: to.amt,
        cur: to.cur.clone(),
        ksv: to.ksv,
    };
    let plain = CardPlaintext::from_card(&card()).map_err(|e| e.to_string())?;
    seal_envelope(wrapped, &pos, &plain, &mut SysRng).map_err(|e| e.to_string())
}

/// Takes a payment; it must be stored.
pub async fn take(device: &Device) -> PaymentId {
    let payment = payment(device).await;
    let id = payment.id;
    must_be_stored(&device.take_payment(payment, seal).await);
    id
}

/// Says at once what came instead. A test that fails while others of its futures hold a lock makes the next one wait for ever,
/// and then nothing that the harness keeps for its last lines is ever shown.
pub fn must_be_stored(outcome: &TakeOutcome<String>) {
    if !matches!(outcome, TakeOutcome::Stored(_)) {
        web_sys::console::error_1(&format!("not stored: {outcome:?}").into());
        panic!("not stored: {outcome:?}");
    }
}

impl World {
    /// The journal, as a page has it.
    pub fn journal(&self) -> Journal {
        Journal::writable(&self.names.journal, self.names.journal_worker.as_deref().unwrap_or_default())
    }

    /// Names of the journal's files that hold a record: neither prepared ones nor the head's.
    pub async fn records(&self) -> Vec<String> {
        let journal = Journal::readable(&self.names.journal);
        let mut names = Vec::new();
        for name in journal.list().await.expect("the journal") {
            if journal.read(&name).await.expect("a read").is_some_and(|text| text.contains("eyJ")) {
                names.push(name);
            }
        }
        names
    }
}

/// Sequence numbers of what waits.
pub async fn waiting(device: &Device) -> Vec<u64> {
    device.waiting().await.expect("the queue").iter().map(|w| w.seq).collect()
}
