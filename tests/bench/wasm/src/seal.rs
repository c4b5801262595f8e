//! Sealing as the till does it, in the two ways that are measured: whole, and with a content key wrapped ahead.

use getrandom::SysRng;
use holdfast_crypto::envelope::{CardPlaintext, Entry, Pos, PublicCardKey, WrappedContentKey, seal};
use wasm_bindgen::prelude::*;

/// One card key, one swiped card, and content keys wrapped ahead.
#[wasm_bindgen]
pub struct Sealer {
    key: PublicCardKey,
    pos: Pos,
    card: CardPlaintext,
    ahead: Vec<WrappedContentKey>,
}

#[wasm_bindgen]
impl Sealer {
    #[wasm_bindgen(constructor)]
    #[expect(clippy::too_many_arguments, reason = "a flat call is the simplest thing to make from JavaScript")]
    pub fn new(
        kid: &str,
        n: &str,
        e: &str,
        pan: &str,
        exp: &str,
        track2: &str,
        merchant: String,
        device: String,
        payment: String,
    ) -> Result<Self, JsError> {
        let key = PublicCardKey::parse(kid, n, e)?;
        let card = CardPlaintext::new(pan, exp, Entry::Swipe)?.with_track2(track2)?;
        let pos = Pos {
            v: Pos::VERSION,
            mid: merchant,
            did: device,
            pid: payment,
            seq: 1,
            amt: 1060,
            cur: "EUR".into(),
            ksv: 7,
        };
        Ok(Self { key, pos, card, ahead: Vec::new() })
    }

    /// Makes one content key and its encryption, the slow part, and keeps it for [`Sealer::seal_ahead`].
    pub fn wrap(&mut self) -> Result<(), JsError> {
        self.ahead.push(WrappedContentKey::make(&self.key, &mut SysRng)?);
        Ok(())
    }

    /// A whole seal: content key, its encryption, and the card.
    pub fn seal_whole(&mut self) -> Result<String, JsError> {
        let wrapped = WrappedContentKey::make(&self.key, &mut SysRng)?;
        self.seal(wrapped)
    }

    /// A seal with a content key of [`Sealer::wrap`].
    pub fn seal_ahead(&mut self) -> Result<String, JsError> {
        let wrapped = self.ahead.pop().ok_or_else(|| JsError::new("no content key was wrapped ahead"))?;
        self.seal(wrapped)
    }

    fn seal(&mut self, wrapped: WrappedContentKey) -> Result<String, JsError> {
        self.pos.seq += 1;
        Ok(seal(wrapped, &self.pos, &self.card, &mut SysRng)?)
    }
}
