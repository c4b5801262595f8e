//! The till's sealing code for node, so that another implementation of JWE can open what it made.
//!
//! Test code: card data comes in as plain strings here, which the product never does.

use getrandom::SysRng;
use holdfast_crypto::envelope::{CardPlaintext, Entry, Pos, PublicCardKey, WrappedContentKey, seal as seal_envelope};
use wasm_bindgen::prelude::*;

/// Seals one card. `track2` and `name` may be undefined; a card with a track 2 was swiped.
#[wasm_bindgen]
#[expect(clippy::too_many_arguments, reason = "a flat call is the simplest thing to make from JavaScript")]
pub fn seal(
    kid: &str,
    n: &str,
    e: &str,
    pos_json: &str,
    pan: &str,
    exp: &str,
    track2: Option<String>,
    name: Option<String>,
) -> Result<String, JsError> {
    let key = PublicCardKey::parse(kid, n, e)?;
    let pos: Pos = serde_json::from_str(pos_json)?;
    let entry = if track2.is_some() { Entry::Swipe } else { Entry::Keyed };
    let mut card = CardPlaintext::new(pan, exp, entry)?;
    if let Some(track2) = track2 {
        card = card.with_track2(&track2)?;
    }
    if let Some(name) = name {
        card = card.with_name(&name)?;
    }
    let wrapped = WrappedContentKey::make(&key, &mut SysRng)?;
    Ok(seal_envelope(wrapped, &pos, &card, &mut SysRng)?)
}
