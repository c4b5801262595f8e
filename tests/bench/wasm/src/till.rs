//! A whole till without its views: enrolled with the demo shop, taking payments and sending them.

use getrandom::SysRng;
use holdfast_core::card::{Card, read_tracks};
use holdfast_core::money::{Amount, Currency};
use holdfast_crypto::envelope::{CardPlaintext, Pos, PublicCardKey, WrappedContentKey, seal};
use holdfast_web::Device;
use holdfast_web::device::{SealFor, TakeOutcome, TakePayment};
use holdfast_wire::record::{LineWire, SaleWire};
use wasm_bindgen::prelude::*;

/// A public test card that the simulator approves.
const TRACKS: &str = "%B4242424242424242^LOVELACE/ADA^30121011000000000000?;4242424242424242=30121011000012345678?";
/// Small enough that a thousand of them stay below the demo shop's cap for one tablet.
const PRICE_MINOR: i64 = 1;

#[wasm_bindgen]
extern "C" {
    /// Tells the page how long something took. It listens only while it looks where the time goes.
    #[wasm_bindgen(js_namespace = bench)]
    fn span(name: &str, ms: f64);
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// A till.
#[wasm_bindgen]
pub struct Till {
    device: Device,
    card: Card,
    ahead: Option<WrappedContentKey>,
    next: Option<TakePayment>,
}

#[wasm_bindgen]
impl Till {
    /// Opens the device's stores, and enrols with the demo shop if that was not done yet.
    pub async fn open(roots_json: String) -> Result<Till, JsError> {
        console_error_panic_hook::set_once();
        let device = Device::open(&roots_json).await?;
        if device.enrolled().is_none() {
            let code = device.demo_code().await?;
            device.enrol(&code, "Bench").await?;
        }
        let card = read_tracks(TRACKS).map_err(|error| JsError::new(&error.to_string()))?;
        Ok(Self { device, card, ahead: None, next: None })
    }

    /// What a till does before the tap: the sale's number and id, and a content key wrapped ahead. A `number` that is given spares the
    /// counting, which is a commit of its own, where only the queue's length matters.
    pub async fn prepare(&mut self, number: Option<String>) -> Result<(), JsError> {
        let (card_key, _) = self.device.card_key().ok_or_else(|| JsError::new("there is no card key"))?;
        let key = PublicCardKey::parse(&card_key.kid, &card_key.n, &card_key.e)?;
        self.ahead = Some(WrappedContentKey::make(&key, &mut SysRng)?);
        let number = match number {
            Some(number) => number,
            None => self.device.next_sale_number().await?,
        };
        self.next = Some(TakePayment {
            id: self.device.make_payment_id(),
            amount: Amount::new(PRICE_MINOR, Currency::EUR),
            sale: sale(number),
            card: self.card.summary(),
            offline: true,
            unanswered: true,
            tag: None,
            approval: None,
        });
        Ok(())
    }

    /// From the tap to stored: what [`Till::prepare`] made is sealed, signed, journalled, committed and read back.
    pub async fn take(&mut self) -> Result<(), JsError> {
        let payment = self.next.take().ok_or_else(|| JsError::new("no sale was prepared"))?;
        let wrapped = self.ahead.take().ok_or_else(|| JsError::new("no content key was wrapped ahead"))?;
        let card = &self.card;
        match self
            .device
            .take_payment(payment, |to| {
                let from = now();
                let sealed = seal_card(wrapped, to, card);
                span("seal", now() - from);
                sealed
            })
            .await
        {
            TakeOutcome::Stored(_) => Ok(()),
            other => Err(JsError::new(&format!("the payment was not stored: {other:?}"))),
        }
    }

    /// Payments that wait on this device.
    pub async fn waiting(&self) -> Result<usize, JsError> {
        Ok(self.device.waiting().await?.len())
    }

    /// One run of the uploader, and how it ended.
    pub async fn send(&self) -> String {
        self.device.send_now().await.map_or_else(|| "Busy elsewhere".to_owned(), |outcome| format!("{outcome:?}"))
    }
}

fn seal_card(wrapped: WrappedContentKey, to: &SealFor, card: &Card) -> Result<String, String> {
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
    let plain = CardPlaintext::from_card(card).map_err(|error| error.to_string())?;
    seal(wrapped, &pos, &plain, &mut SysRng).map_err(|error| error.to_string())
}

/// A coffee for a cent.
fn sale(number: String) -> SaleWire {
    let line = LineWire {
        name: "Flat white".into(),
        qty: 1,
        unit_minor: PRICE_MINOR,
        total_minor: PRICE_MINOR,
        tax_bp: 1900,
        tax_minor: 0,
    };
    SaleWire {
        number,
        currency: "EUR".into(),
        total_minor: PRICE_MINOR,
        tax_minor: 0,
        lines: vec![line],
        tip_minor: 0,
        staff: None,
    }
}
