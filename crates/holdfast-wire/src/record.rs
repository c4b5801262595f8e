//! The record of one payment, or of a payment that was voided before it was uploaded: what a till signs, stores and uploads (docs/protocol.md
//! section 6).

use crate::jws::{JwsError, ToSign, Unverified, typ};
use crate::time::Head;
use crate::{V, b64};
use holdfast_core::card::{Brand, CardSummary, Entry};
use holdfast_core::cart::Cart;
use holdfast_core::id::{PaymentId, RecordHash, StaffId};
use holdfast_core::limits::{NAME_CHARS_MAX, SALE_LINES_MAX};
use holdfast_core::money::Amount;
use holdfast_core::payment::GiveBackReason;
use holdfast_core::policy::{Admitted, Override, TakenAt};
use serde::{Deserialize, Serialize};

/// Reasons that one approval names, with room to spare.
const LIFTED_MAX: usize = 16;

/// Payload of `holdfast-record+jws`, and of `holdfast-void+jws`: then [`RecordPayload::void`] is there and nothing is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPayload {
    pub v: u32,
    pub id: String,
    pub mid: String,
    pub did: String,
    pub seq: u64,
    pub prev: String,
    pub jwe: String,
    pub created_ms: i64,
    pub mono_ms: i64,
    pub server_ms: i64,
    pub server_mono_ms: i64,
    pub offline: bool,
    pub card: CardWire,
    pub sale: SaleWire,
    /// A manager's word, where one let the payment through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalWire>,
    /// What it stands for, when it is a void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<VoidWire>,
}

/// Who let a payment through, when, and what stood in its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ApprovalWire {
    /// The manager's id.
    pub by: String,
    /// Trusted time of the till.
    pub at_ms: i64,
    /// Names of what was lifted, such as `above-payment`.
    pub lifted: Vec<String>,
}

/// The place in the chain of the payment that was voided. Its record was destroyed: nobody will ever see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoidWire {
    pub seq: u64,
    pub prev: String,
    pub hash: String,
    /// The tablet's clock when it was voided.
    pub at_ms: i64,
    /// A short name in small letters, digits and hyphens, as `mistake`.
    pub reason: String,
}

/// What may be kept of a card in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardWire {
    pub brand: String,
    pub last4: String,
    /// `swipe` or `keyed`.
    pub entry: String,
    pub chip: bool,
}

/// The sale that the payment is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleWire {
    pub number: String,
    pub currency: String,
    pub total_minor: i64,
    pub tax_minor: i64,
    pub lines: Vec<LineWire>,
    /// The tip in `total_minor`. Records of earlier versions have none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tip_minor: i64,
    /// Who sold, where somebody had signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
}

fn is_zero(minor: &i64) -> bool {
    *minor == 0
}

/// A line of a sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LineWire {
    pub name: String,
    pub qty: u32,
    pub unit_minor: i64,
    pub total_minor: i64,
    pub tax_bp: u32,
    pub tax_minor: i64,
}

impl ApprovalWire {
    /// The word for a payment that was admitted; `None` where nothing had to be lifted.
    pub fn from_core(approval: Option<&Override>, admitted: &Admitted) -> Option<Self> {
        let approval = approval.filter(|_| !admitted.lifted.is_empty())?;
        let lifted = admitted.lifted.iter().map(|reason| reason.name().to_owned()).collect();
        Some(Self { by: approval.by.clone(), at_ms: approval.at_ms, lifted })
    }

    fn fits(&self) -> bool {
        let is_word = |text: &str| !text.is_empty() && text.len() <= 64 && !text.contains(char::is_control);
        is_word(&self.by) && self.lifted.len() <= LIFTED_MAX && self.lifted.iter().all(|word| is_word(word))
    }
}

impl CardWire {
    pub fn from_core(card: &CardSummary) -> Self {
        Self {
            brand: card.brand.name().into(),
            last4: card.last4.clone(),
            entry: card.entry.name().into(),
            chip: card.chip,
        }
    }

    pub fn to_core(&self) -> Option<CardSummary> {
        let last4_fits = self.last4.len() == 4 && self.last4.bytes().all(|b| b.is_ascii_digit());
        let (brand, entry) = (Brand::from_name(&self.brand), Entry::from_name(&self.entry)?);
        last4_fits.then(|| CardSummary { brand, last4: self.last4.clone(), entry, chip: self.chip })
    }
}

impl SaleWire {
    pub fn from_cart(number: &str, cart: &Cart) -> Self {
        let line = |l: &holdfast_core::cart::Line| LineWire {
            name: l.name.clone(),
            qty: l.quantity,
            unit_minor: l.unit.minor(),
            total_minor: l.total().map_or(0, |a| a.minor()),
            tax_bp: l.tax_bp,
            tax_minor: l.tax().map_or(0, |a| a.minor()),
        };
        Self {
            number: number.into(),
            currency: cart.currency().code().into(),
            total_minor: cart.total().minor(),
            tax_minor: cart.tax().minor(),
            lines: cart.lines().iter().map(line).collect(),
            tip_minor: 0,
            staff: None,
        }
    }

    /// The same with a tip on top. `None`: together they are more than an amount can hold.
    pub fn with_tip(self, tip: Amount) -> Option<Self> {
        let total_minor = self.total_minor.checked_add(tip.minor())?;
        Some(Self { total_minor, tip_minor: tip.minor(), ..self })
    }

    /// The same, sold by somebody.
    #[must_use]
    pub fn sold_by(self, staff: Option<StaffId>) -> Self {
        Self { staff: staff.map(|id| id.to_string()), ..self }
    }

    /// Whether goods and tip are the amount.
    pub fn adds_up(&self) -> bool {
        let goods = self.lines.iter().try_fold(0_i64, |sum, l| sum.checked_add(l.total_minor));
        let whole = goods.and_then(|goods| goods.checked_add(self.tip_minor));
        (0..=self.total_minor).contains(&self.tip_minor) && whole == Some(self.total_minor)
    }
}

/// A record's fields after they were parsed; past this there is nothing left to check of their form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub id: PaymentId,
    pub seq: u64,
    pub prev: Option<RecordHash>,
    pub amount: Amount,
    pub taken: TakenAt,
    pub offline: bool,
    pub card: CardSummary,
    pub sale: SaleWire,
    pub staff: Option<StaffId>,
    pub approval: Option<ApprovalWire>,
    pub jwe: String,
    pub merchant_id: String,
    pub device_id: String,
    /// Of a void: the record that it has taken the place of.
    pub void: Option<Voided>,
}

/// The record that a void has taken the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voided {
    pub seq: u64,
    pub prev: Option<RecordHash>,
    pub hash: RecordHash,
    pub reason: GiveBackReason,
}

impl RecordPayload {
    pub fn to_sign(&self) -> ToSign {
        ToSign::new(if self.void.is_some() { typ::VOID } else { typ::RECORD }, &self.did, self)
    }

    /// Reads a compact record; its signature is still to be checked with the device's key.
    pub fn parse(compact: &str) -> Result<Unverified<Self>, JwsError> {
        let (read, is_void) = match Unverified::parse(compact, typ::RECORD) {
            Err(JwsError::Header) => (Unverified::parse(compact, typ::VOID), true),
            read => (read, false),
        };
        // A payment must not pass for a void, nor a void for a payment.
        let read: Unverified<Self> = read?;
        if read.claimed().void.is_some() != is_void {
            return Err(JwsError::Payload("a void says what it voids, and nothing else does".into()));
        }
        Ok(read)
    }

    /// The void of a record that was not uploaded, as the chain's record after `prev`. Times, card and sale are the payment's.
    #[must_use]
    pub fn voided(&self, hash: &str, prev: &Head, at_ms: i64, reason: &str) -> Self {
        let void = VoidWire {
            seq: self.seq,
            prev: self.prev.clone(),
            hash: hash.to_owned(),
            at_ms,
            reason: reason.to_owned(),
        };
        Self {
            seq: prev.seq.saturating_add(1),
            prev: prev.hash.clone(),
            jwe: String::new(),
            void: Some(void),
            ..self.clone()
        }
    }

    /// Parses the fields. `None` for anything that is out of shape.
    pub fn to_core(&self) -> Option<Record> {
        let currency = self.sale.currency.parse().ok()?;
        let prev = if self.prev.is_empty() { None } else { Some(b64::hash_from_text(&self.prev)?) };
        let staff = self.sale.staff.as_deref().map(str::parse).transpose().ok()?;
        let fits = self.v == V
            && self.seq > 0
            && (self.seq == 1) == prev.is_none()
            && self.sale.total_minor > 0
            && self.sale.adds_up()
            && self.sale.number.len() <= 32
            // A database may refuse a zero byte, and nobody can read one.
            && !self.sale.number.contains(char::is_control)
            && self.approval.as_ref().is_none_or(ApprovalWire::fits)
            && self.sale.lines.len() <= SALE_LINES_MAX
            && self.sale.lines.iter().all(|l| l.name.chars().count() <= NAME_CHARS_MAX);
        let void = match &self.void {
            Some(void) => Some(void.to_core().filter(|void| void.seq < self.seq)?),
            None => None,
        };
        // Nothing is sealed in a void, and a payment is nothing else.
        if !fits || void.is_some() != self.jwe.is_empty() {
            return None;
        }
        Some(Record {
            id: self.id.parse().ok()?,
            seq: self.seq,
            prev,
            amount: Amount::new(self.sale.total_minor, currency),
            taken: TakenAt {
                created_ms: self.created_ms,
                mono_ms: self.mono_ms,
                server_ms: self.server_ms,
                server_mono_ms: self.server_mono_ms,
            },
            offline: self.offline,
            card: self.card.to_core()?,
            sale: self.sale.clone(),
            staff,
            approval: self.approval.clone(),
            jwe: self.jwe.clone(),
            merchant_id: self.mid.clone(),
            device_id: self.did.clone(),
            void,
        })
    }
}

impl VoidWire {
    fn to_core(&self) -> Option<Voided> {
        let prev = if self.prev.is_empty() { None } else { Some(b64::hash_from_text(&self.prev)?) };
        let fits = self.seq > 0 && (self.seq == 1) == prev.is_none();
        let voided =
            Voided { seq: self.seq, prev, hash: b64::hash_from_text(&self.hash)?, reason: self.reason.parse().ok()? };
        fits.then_some(voided)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use holdfast_core::money::Currency;
    use holdfast_core::policy::PolicyRefusal;

    pub(crate) fn payload() -> RecordPayload {
        RecordPayload {
            v: 1,
            id: "019aaf00-0000-7000-8000-000000000001".into(),
            mid: "m".into(),
            did: "d".into(),
            seq: 2,
            prev: b64::encode([5; 32]),
            jwe: "a.b.c.d.e".into(),
            created_ms: 1,
            mono_ms: 2,
            server_ms: 3,
            server_mono_ms: 1,
            offline: true,
            card: CardWire { brand: "visa".into(), last4: "4242".into(), entry: "swipe".into(), chip: false },
            sale: SaleWire {
                number: "1-0042".into(),
                currency: "EUR".into(),
                total_minor: 840,
                tax_minor: 134,
                lines: vec![LineWire {
                    name: "Flat white".into(),
                    qty: 2,
                    unit_minor: 420,
                    total_minor: 840,
                    tax_bp: 1900,
                    tax_minor: 134,
                }],
                tip_minor: 0,
                staff: None,
            },
            approval: None,
            void: None,
        }
    }

    /// The void of [`payload`], two records later.
    pub(crate) fn void() -> RecordPayload {
        let payment = payload();
        let hash = b64::hash_text(b64::record_hash(&payment.to_sign().with_signature(&[1; 64])));
        payment.voided(&hash, &Head { seq: 4, hash: b64::encode([6; 32]) }, 7, "mistake")
    }

    #[test]
    fn a_void_is_no_payment_and_says_what_it_voids() {
        let compact = void().to_sign().with_signature(&[2; 64]);
        let read = RecordPayload::parse(&compact).expect("a void");
        let record = read.claimed().to_core().expect("is in shape");
        assert_eq!((record.seq, record.amount.minor(), record.void.map(|v| v.seq)), (5, 840, Some(2)));
        assert!(!compact.contains(&b64::encode("a.b.c.d.e")) && record.jwe.is_empty());
        // The one in the other's clothes.
        for (payload, typ) in [(void(), typ::RECORD), (payload(), typ::VOID)] {
            let dressed = ToSign::new(typ, "d", &payload).with_signature(&[2; 64]);
            assert!(matches!(RecordPayload::parse(&dressed), Err(JwsError::Payload(_))), "{typ}");
        }
        let breaks: [fn(&mut RecordPayload, &mut VoidWire); 7] = [
            |p, _| p.jwe = "a.b.c.d.e".into(),
            |_, v| v.seq = 5,
            |_, v| v.seq = 0,
            |_, v| v.seq = 1,
            |_, v| v.prev = String::new(),
            |_, v| v.hash = "x".into(),
            |_, v| v.reason = "Not A Name".into(),
        ];
        for (i, spoil) in breaks.into_iter().enumerate() {
            let mut p = void();
            let mut v = p.void.clone().expect("a void");
            spoil(&mut p, &mut v);
            p.void = Some(v);
            assert!(p.to_core().is_none(), "case {i}");
        }
        let empty = RecordPayload { jwe: String::new(), ..payload() };
        assert!(empty.to_core().is_none(), "nothing sealed and nothing voided");
    }

    #[test]
    fn a_managers_word_travels_in_the_record_and_only_where_one_was_needed() {
        let approval = Override { by: "m-1".into(), amount_minor: 840, at_ms: 5 };
        let lifted = vec![PolicyRefusal::AbovePayment { minor_max: 1 }];
        let admitted = Admitted { lifted, is_flagged: false };
        let word = ApprovalWire::from_core(Some(&approval), &admitted);
        let record = RecordPayload { approval: word.clone(), ..payload() };
        let text = serde_json::to_string(&record).unwrap_or_default();
        assert!(text.ends_with(r#","approval":{"by":"m-1","at_ms":5,"lifted":["above-payment"]}}"#), "{text}");
        assert_eq!(record.to_core().map(|r| r.approval), Some(word));
        assert_eq!(ApprovalWire::from_core(Some(&approval), &Admitted::default()), None);
        assert!(!serde_json::to_string(&payload()).unwrap_or_default().contains("approval"), "as before");
        let spoilt = ApprovalWire { by: "x".repeat(65), at_ms: 0, lifted: Vec::new() };
        assert_eq!(RecordPayload { approval: Some(spoilt), ..payload() }.to_core(), None);
    }

    #[test]
    fn a_record_is_parsed_or_refused_whole() {
        assert!(payload().to_core().is_some_and(|r| r.amount.minor() == 840 && r.seq == 2));
        let staff = "11111111-1111-4111-8111-111111111111";
        let mut tipped = payload();
        tipped.sale = tipped.sale.with_tip(Amount::new(160, Currency::EUR)).expect("a tip").sold_by(staff.parse().ok());
        assert!(tipped.to_core().is_some_and(|r| r.amount.minor() == 1_000 && r.staff.is_some()));
        assert!(
            !serde_json::to_string(&payload()).expect("writes").contains("tip"),
            "without one the bytes are as ever"
        );
        let breaks: [fn(&mut RecordPayload); 13] = [
            |p| p.sale.tip_minor = 1,
            |p| (p.sale.tip_minor, p.sale.total_minor) = (-40, 800),
            |p| p.sale.staff = Some("Ada".into()),
            |p| p.v = 2,
            |p| p.id = "x".into(),
            |p| p.seq = 0,
            |p| p.seq = 1,
            |p| p.prev = String::new(),
            |p| p.sale.currency = "XXX".into(),
            |p| p.sale.total_minor = 841,
            |p| p.sale.lines[0].name = "x".repeat(NAME_CHARS_MAX + 1),
            |p| p.card.last4 = "42424".into(),
            |p| p.card.entry = "chip".into(),
        ];
        for (i, spoil) in breaks.into_iter().enumerate() {
            let mut p = payload();
            spoil(&mut p);
            assert!(p.to_core().is_none(), "case {i}");
        }
    }
}
