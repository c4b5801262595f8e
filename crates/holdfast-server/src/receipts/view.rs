//! What a receipt holds: plain text in the shop's language and time, ready for a page or a letter. These are the variables that the
//! merchant's own templates may use (docs/receipts.md).

use super::format::{machine_time, money, rate, time};
use super::words::{Lang, Words};
use crate::store::{Again, CardSummary, Payment, Sale};
use holdfast_core::id::{DeviceId, MerchantId, PaymentId, RecordHash};
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_core::money::{Amount, Currency};
use holdfast_core::payment::{Decline, PaymentState};
use holdfast_core::time::UnixMs;
use holdfast_wire::record::LineWire;
use holdfast_wire::shop::Merchant;
use serde::Serialize;
use std::collections::BTreeMap;

/// A receipt in words.
#[derive(Debug, Clone, Serialize)]
pub struct ReceiptView {
    pub lang: &'static str,
    pub dir: &'static str,
    pub shop: ShopView,
    pub receipt: Slip,
    pub card: CardView,
    pub state: StateView,
    /// Cards with which it was not paid before, each in a sentence.
    pub earlier: Vec<String>,
    #[serde(skip)]
    pub words: &'static Words,
}

#[derive(Debug, Clone, Serialize)]
pub struct ShopView {
    pub name: String,
    pub footer: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Slip {
    pub number: String,
    pub date: String,
    /// For machines: RFC 3339 in UTC.
    pub time: String,
    pub total: String,
    pub tax: String,
    pub taxes: Vec<TaxView>,
    /// Empty when none was given.
    pub tip: String,
    /// The first name of who served, in a sentence; empty where the shop does not want it there.
    pub served_by: String,
    pub lines: Vec<LineView>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TaxView {
    pub rate: String,
    pub amount: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct LineView {
    pub name: String,
    pub quantity: u32,
    pub unit: String,
    pub total: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct CardView {
    pub brand: String,
    pub last4: String,
    /// Both in a sentence.
    pub text: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct StateView {
    pub name: &'static str,
    pub title: &'static str,
    pub text: String,
    /// Whether it will change by itself.
    pub is_open: bool,
    /// Whether the customer can pay it again on the live receipt.
    pub can_pay: bool,
}

/// Where a payment stands, as its customer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Stored,
    Processing,
    Paid,
    Declined,
    Expired,
    OnHold,
    Voided,
    Refunded,
    PartRefunded,
}

impl Shown {
    pub fn of(state: &PaymentState) -> Self {
        match state.name() {
            "received" => Self::Stored,
            "captured" => Self::Paid,
            "declined" => Self::Declined,
            "expired" => Self::Expired,
            "quarantined" => Self::OnHold,
            "voided" => Self::Voided,
            "refunded" => Self::Refunded,
            name if name.ends_with("refunded") => Self::PartRefunded,
            _ => Self::Processing,
        }
    }

    /// The value of `state.name` in templates, and of `data-state` on the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Processing => "processing",
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::OnHold => "on-hold",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
            Self::PartRefunded => "refunded-in-part",
        }
    }

    /// Title and sentence, with `{time}` and `{amount}` still in it.
    fn words(self, w: &'static Words, can_pay: bool) -> (&'static str, &'static str) {
        match self {
            Self::Declined if can_pay => (w.declined, w.pay_again_say),
            Self::Expired if can_pay => (w.expired, w.pay_again_say),
            Self::Stored => (w.stored, w.stored_say),
            Self::Processing => (w.processing, w.processing_say),
            Self::Paid => (w.paid, w.paid_say),
            Self::Declined => (w.declined, w.not_charged_say),
            Self::Expired => (w.expired, w.not_charged_say),
            Self::OnHold => (w.on_hold, w.on_hold_say),
            Self::Voided => (w.voided, w.voided_say),
            Self::Refunded => (w.refunded, w.refunded_say),
            Self::PartRefunded => (w.part_refunded, w.refunded_say),
        }
    }
}

/// What a receipt is made of.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The payment that counts.
    pub payment: &'a Payment,
    /// Those of the same sale that were not paid before it, the first one first.
    pub earlier: &'a [Payment],
    pub can_pay: bool,
    pub merchant: &'a Merchant,
    /// The first name of who sold, where the shop wants it there.
    pub served_by: Option<&'a str>,
    /// How long after it was taken a stored payment is still charged.
    pub window_ms: i64,
}

impl ReceiptView {
    pub fn of(facts: Facts<'_>) -> Self {
        let Facts { payment, earlier, merchant, .. } = facts;
        let lang = Lang::of(&merchant.locale);
        let words = lang.words();
        let card_of = |payment: &Payment| {
            words.card.replace("{brand}", &brand(&payment.card.brand)).replace("{last4}", &payment.card.last4)
        };
        Self {
            lang: lang.tag(),
            dir: lang.direction(),
            shop: ShopView { name: merchant.name.clone(), footer: merchant.receipt_footer.clone() },
            // The sale is that of the first payment, also by its time.
            receipt: slip(Facts { payment: earlier.first().unwrap_or(payment), ..facts }, lang),
            card: CardView {
                brand: brand(&payment.card.brand),
                last4: payment.card.last4.clone(),
                text: card_of(payment),
            },
            state: state(facts, lang),
            earlier: earlier.iter().map(|payment| words.earlier.replace("{card}", &card_of(payment))).collect(),
            words,
        }
    }

    /// Subject of a letter that no template of the merchant's names.
    pub fn subject(&self) -> String {
        self.words.subject.replace("{shop}", &self.shop.name).replace("{number}", &self.receipt.number)
    }
}

/// States in which a template is tried before it is kept.
pub const SAMPLE_STATES: [&str; 3] = ["received", "captured", "declined"];

/// A receipt as it could be, for previews.
pub fn sample(merchant: &Merchant, state: &str) -> ReceiptView {
    let state = match state {
        "received" => PaymentState::Received,
        "declined" => PaymentState::Declined { decline: Decline { code: "51".into() }, at_ms: SAMPLE_MS },
        _ => PaymentState::Captured { approval_code: "A1B2C3".into(), at_ms: SAMPLE_MS },
    };
    let line = |name: &str, qty: u32, unit_minor: i64, tax_bp: u32, tax_minor: i64| LineWire {
        name: name.into(),
        qty,
        unit_minor,
        total_minor: unit_minor * i64::from(qty),
        tax_bp,
        tax_minor,
    };
    let lines = [line("Flat white", 2, 420, 1_900, 134), line("Butter croissant", 1, 320, 700, 21)];
    let payment = Payment {
        id: PaymentId::make(SAMPLE_MS, [1; 10]),
        merchant_id: MerchantId::make([1; 16]),
        device_id: DeviceId::make([1; 16]),
        seq: 1,
        prev: String::new(),
        record_hash: RecordHash([0; 32]),
        record: None,
        card_key_kid: None,
        sale: Sale {
            number: "1-0042".into(),
            amount_minor: 1_260,
            currency: merchant.currency.clone(),
            tax_minor: 155,
            tip_minor: 100,
            staff: String::new(),
            lines: serde_json::to_string(&lines).unwrap_or_default(),
        },
        card: CardSummary { brand: "visa".into(), last4: "4242".into(), entry: "swipe".into(), pan_hmac: None },
        offline: true,
        taken_ms: SAMPLE_MS,
        received_ms: SAMPLE_MS,
        state,
        changed_ms: SAMPLE_MS,
        change: 1,
        again: Again::default(),
    };
    let can_pay = matches!(payment.state, PaymentState::Declined { .. });
    ReceiptView::of(Facts {
        payment: &payment,
        earlier: &[],
        can_pay,
        merchant,
        served_by: Some("Ada"),
        window_ms: WINDOW_MS_MAX,
    })
}

/// 23 November 2026, 15:00 UTC.
const SAMPLE_MS: UnixMs = 1_795_446_000_000;

fn state(facts: Facts<'_>, lang: Lang) -> StateView {
    let Facts { payment, can_pay, merchant, window_ms, .. } = facts;
    let shown = Shown::of(&payment.state);
    let (title, text) = shown.words(lang.words(), can_pay);
    let at_ms: UnixMs = match shown {
        Shown::Stored => payment.taken_ms.saturating_add(window_ms),
        _ => payment.changed_ms,
    };
    let currency: Currency = payment.sale.currency.parse().unwrap_or(Currency::EUR);
    let refunded = money(Amount::new(payment.state.refunded_minor(), currency), lang);
    StateView {
        name: shown.name(),
        title,
        text: text.replace("{time}", &time(at_ms, &merchant.zone, lang)).replace("{amount}", &refunded),
        is_open: matches!(shown, Shown::Stored | Shown::Processing),
        can_pay,
    }
}

fn slip(facts: Facts<'_>, lang: Lang) -> Slip {
    let Facts { payment, merchant, served_by, .. } = facts;
    let sale = &payment.sale;
    let currency: Currency = sale.currency.parse().unwrap_or(Currency::EUR);
    let money = |minor| money(Amount::new(minor, currency), lang);
    // Written by ingest from the same shape; a damaged one must not hide the total.
    let lines: Vec<LineWire> = serde_json::from_str(&sale.lines).unwrap_or_default();
    let mut taxes = BTreeMap::<u32, i64>::new();
    for line in &lines {
        let sum = taxes.entry(line.tax_bp).or_default();
        *sum = sum.saturating_add(line.tax_minor);
    }
    Slip {
        number: sale.number.clone(),
        date: time(payment.taken_ms, &merchant.zone, lang),
        time: machine_time(payment.taken_ms),
        total: money(sale.amount_minor),
        tax: money(sale.tax_minor),
        taxes: taxes
            .into_iter()
            .rev()
            .map(|(bp, minor)| TaxView { rate: rate(bp, lang), amount: money(minor) })
            .collect(),
        tip: if sale.tip_minor > 0 { money(sale.tip_minor) } else { String::new() },
        served_by: served_by.map(|name| lang.words().served_by.replace("{name}", name)).unwrap_or_default(),
        lines: lines
            .into_iter()
            .map(|l| LineView { name: l.name, quantity: l.qty, unit: money(l.unit_minor), total: money(l.total_minor) })
            .collect(),
    }
}

/// A brand as it is written on cards.
fn brand(name: &str) -> String {
    holdfast_core::card::Brand::from_name(name).to_string()
}
