//! What the page brings along: sealing, with randomness from the browser. It is the only place where a card and a key meet.

use getrandom::SysRng;
use holdfast_core::card::Card;
use holdfast_crypto::card_tag::card_tag;
use holdfast_crypto::envelope::{CardPlaintext, Pos, PublicCardKey, WrappedContentKey, seal as seal_envelope};
use holdfast_web::device::{DayTag, Device, SealFor};
use holdfast_wire::keyset::CardKey;
use std::cell::RefCell;

/// The card could not be sealed: there is no fit key, or no randomness. Nothing of the card is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSealed;

thread_local! {
    /// A content key that was wrapped ahead, so that the tap itself costs one AES-GCM.
    static AHEAD: RefCell<Option<WrappedContentKey>> = const { RefCell::new(None) };
}

/// Wraps a content key for the next card. To be called when there is time.
pub fn prepare(device: &Device) {
    let Some((key, _)) = device.card_key() else { return };
    let is_there = AHEAD.with_borrow(|ahead| ahead.as_ref().is_some_and(|w| w.kid() == key.kid));
    if !is_there {
        AHEAD.set(wrap(&key).ok());
    }
}

/// The card as this business day recognises it. Without one, only the day's and the tablet's sums are counted.
pub async fn tag(device: &Device, card: &Card) -> Option<DayTag> {
    let day = device.business_day().await?;
    Some(DayTag { day: day.day, tag: card_tag(&day.salt, &card.number) })
}

/// Seals a card for one payment, into a compact JWE.
pub fn seal(card: &Card, to: &SealFor) -> Result<String, NotSealed> {
    let wrapped = match AHEAD.take().filter(|ahead| ahead.kid() == to.card_key.kid) {
        Some(ahead) => ahead,
        None => wrap(&to.card_key)?,
    };
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
    let plain = CardPlaintext::from_card(card).map_err(|_| NotSealed)?;
    seal_envelope(wrapped, &pos, &plain, &mut SysRng).map_err(|_| NotSealed)
}

/// A fresh content key, wrapped for a card key.
fn wrap(key: &CardKey) -> Result<WrappedContentKey, NotSealed> {
    let key = PublicCardKey::parse(&key.kid, &key.n, &key.e).map_err(|_| NotSealed)?;
    WrappedContentKey::make(&key, &mut SysRng).map_err(|_| NotSealed)
}
