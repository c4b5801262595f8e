//! From a cart and a card to a stored payment: checks, envelope, record, signature.

use super::sale::Sale;
use crate::crypto::{keys, public_card_key};
use crate::world::World;
use holdfast_core::outbox::Entry;
use holdfast_core::policy::{Asked, Caps, Held, Policy, Waiting};
use holdfast_crypto::envelope::{CardPlaintext, Pos, WrappedContentKey, seal};
use holdfast_testkit::build::{keyed, swiped, taken_at};
use holdfast_testkit::rng::SeededRng;
use holdfast_wire::record::{CardWire, RecordPayload, SaleWire};
use holdfast_wire::stored::{ChainHead, StoredPayment, prepared_name};
use holdfast_wire::time::Head;

/// The shop's policy: the longest window that there is.
pub const POLICY: Policy = Policy::new(holdfast_core::limits::WINDOW_MS_MAX, Caps::of(18_000, 15_000, 1_000_000));

/// A payment that is ready to be saved, with the chain's head before and after it.
pub struct Sealed {
    pub payment: StoredPayment,
    pub head: ChainHead,
}

impl World {
    /// Seals a sale, or says why not.
    pub fn seal_sale(
        &mut self,
        t: usize,
        sale: &Sale,
        before: &ChainHead,
        queue: &[Entry],
    ) -> Result<Sealed, &'static str> {
        let mut rng: SeededRng = self.rng.fork();
        let tablet = &self.tablets[t];
        let reading = tablet.clock.reading(self.now_ms);
        let card = if sale.is_swiped { swiped(sale.card_number) } else { keyed(sale.card_number) };
        card.check(reading.trusted_ms()).map_err(|_| "card refused")?;
        let held = Held { waiting: Waiting { count: queue.len(), total_minor: 0 }, is_kept: true, ..Held::default() };
        let asked = Asked::of(sale.cart.total(), &card.summary());
        POLICY.admit(asked, held, None, reading.trusted_ms()).map_err(|_| "above the policy's caps")?;
        let set = tablet.keyset.as_ref().ok_or("no key set")?;
        let day = set.card_key_at(reading.trusted_ms()).ok_or("no usable card key")?;
        let card_key = public_card_key(&day.kid, &day.n, &day.e).ok_or("card key unreadable")?;

        let (seq, sale_number) = (before.head.seq + 1, before.sale_number + 1);
        let (mid, did) = (self.server.merchant.to_string(), tablet.device.to_string());
        let total = sale.cart.total();
        let pos = Pos {
            v: Pos::VERSION,
            mid: mid.clone(),
            did: did.clone(),
            pid: sale.id.to_string(),
            seq,
            amt: total.minor(),
            cur: total.currency().code().to_owned(),
            ksv: set.version,
        };
        let plaintext = CardPlaintext::from_card(&card).map_err(|_| "card does not fit")?;
        let wrapped = WrappedContentKey::make(&card_key, &mut rng).map_err(|_| "no content key")?;
        let jwe = seal(wrapped, &pos, &plaintext, &mut rng).map_err(|_| "sealing failed")?;

        let taken = taken_at(reading);
        let payload = RecordPayload {
            v: holdfast_wire::V,
            id: sale.id.to_string(),
            mid,
            did,
            seq,
            prev: before.head.hash.clone(),
            jwe,
            created_ms: taken.created_ms,
            mono_ms: taken.mono_ms,
            server_ms: taken.server_ms,
            server_mono_ms: taken.server_mono_ms,
            offline: !tablet.page.as_ref().is_some_and(|p| p.connectivity.is_online()),
            card: CardWire::from_core(&card.summary()),
            sale: SaleWire::from_cart(&format!("{}-{sale_number:04}", tablet.number), &sale.cart),
            approval: None,
            void: None,
        };
        let record = crate::crypto::sign(&keys().devices[tablet.key], payload.to_sign());
        let mut payment = StoredPayment::new(&payload.id, seq, record, POLICY.expires_ms(reading));
        // Where a page has time it prepares files; where it has none the payment's file is named by the payment.
        payment.file = rng.chance(600).then(|| prepared_name(reading.wall_ms, rng.bytes()));
        let head = ChainHead { v: holdfast_wire::V, head: Head { seq, hash: payment.hash.clone() }, sale_number };
        Ok(Sealed { payment, head })
    }
}
