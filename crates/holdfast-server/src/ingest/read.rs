//! One string of a batch: a record of a device, or the reason why it is none.

use crate::store::{Again, CardSummary, Device, Payment, Sale, VoidPlace};
use holdfast_core::id::{DeviceId, PaymentId, RecordHash};
use holdfast_core::limits::RECORD_BYTES_MAX;
use holdfast_core::payment::PaymentState;
use holdfast_core::time::UnixMs;
use holdfast_crypto::envelope;
use holdfast_wire::ack::reason;
use holdfast_wire::b64::{hash_text, record_hash};
use holdfast_wire::record::{ApprovalWire, Record, RecordPayload};

/// A string of a batch, with what could be read of it.
#[derive(Debug)]
pub struct Candidate {
    pub hash: RecordHash,
    pub raw: String,
    /// The id that the string claims, when it is one: a label until the signature is checked.
    pub claimed_id: Option<PaymentId>,
    /// The device that the string claims to come from: somebody to ask for a key, nothing more.
    pub claimed_device: Option<DeviceId>,
    /// The manager's word in it; like the rest it counts once the reading does.
    pub approval: Option<ApprovalWire>,
    /// The payment it would become, or the reason why it goes to quarantine.
    pub reading: Result<Box<Payment>, &'static str>,
    /// It is a void: the payment was given up before it was uploaded.
    pub void: Option<VoidPlace>,
}

impl Candidate {
    /// The numbers of the chain that it takes.
    pub fn seqs(&self) -> impl Iterator<Item = u64> {
        let of_payment = self.reading.as_ref().ok().map(|payment| payment.seq);
        of_payment.into_iter().chain(self.void.as_ref().map(|void| void.seq))
    }

    /// A string that says nothing of itself.
    fn none(hash: RecordHash, raw: String, reason: &'static str) -> Self {
        Self { hash, raw, claimed_id: None, claimed_device: None, approval: None, reading: Err(reason), void: None }
    }
}

/// Reads and checks one string as a record of `device`.
pub fn read(raw: String, device: &Device, now_ms: UnixMs) -> Candidate {
    let hash = record_hash(&raw);
    if raw.len() > RECORD_BYTES_MAX {
        return Candidate::none(hash, raw, reason::TOO_LARGE);
    }
    let Ok(unverified) = RecordPayload::parse(&raw) else {
        return Candidate::none(hash, raw, reason::UNREADABLE);
    };
    let claimed_id = unverified.claimed().id.parse().ok();
    let claimed_device = unverified.claimed().did.parse().ok();
    let approval = unverified.claimed().approval.clone();
    let device_text = device.id.to_string();
    let mut void = None;
    let reading = if unverified.kid() != device_text || unverified.claimed().did != device_text {
        Err(reason::NOT_THIS_DEVICE)
    } else {
        let is_right = device.key.verify(unverified.signing_input(), unverified.signature()).is_ok();
        match unverified.accept(is_right) {
            Err(_) => Err(reason::SIGNATURE_WRONG),
            Ok(payload) if !payload.sale.adds_up() => Err(reason::AMOUNT_MISMATCH),
            Ok(payload) => match payload.to_core() {
                // A sequence number beyond what the books can hold is no number of ours.
                Some(record) if i64::try_from(record.seq).is_ok() => {
                    void = place(&record);
                    payment(&record, &raw, hash, device, now_ms)
                }
                _ => Err(reason::UNREADABLE),
            },
        }
    };
    void = void.filter(|_| reading.is_ok());
    Candidate { hash, raw, claimed_id, claimed_device, approval, reading, void }
}

fn place(record: &Record) -> Option<VoidPlace> {
    let void = record.void.as_ref()?;
    Some(VoidPlace { seq: record.seq, prev: record.prev.map(hash_text).unwrap_or_default(), voided: void.hash })
}

fn payment(
    record: &Record,
    raw: &str,
    hash: RecordHash,
    device: &Device,
    now_ms: UnixMs,
) -> Result<Box<Payment>, &'static str> {
    if record.merchant_id != device.merchant_id.to_string() {
        return Err(reason::NOT_THIS_DEVICE);
    }
    // Only the form is looked at, for the name of the key: opening is a job's work, after the acknowledgement. An envelope of
    // a wrong form becomes a payment too, so that its failure stands in the history with its amount.
    let card_key_kid = envelope::parse(&record.jwe).ok().map(|parsed| parsed.header().kid().to_owned());
    let lines = serde_json::to_string(&record.sale.lines).map_err(|_| reason::UNREADABLE)?;
    // A voided payment has the place that its record had, and is over.
    let (seq, prev, state) = match &record.void {
        Some(void) => {
            let reason = void.reason.clone();
            (void.seq, void.prev, PaymentState::Voided { approval_code: String::new(), reason, at_ms: now_ms })
        }
        None => (record.seq, record.prev, PaymentState::Received),
    };
    Ok(Box::new(Payment {
        id: record.id,
        merchant_id: device.merchant_id,
        device_id: device.id,
        seq,
        prev: prev.map(hash_text).unwrap_or_default(),
        record_hash: hash,
        record: record.void.is_none().then(|| raw.to_owned()),
        card_key_kid,
        sale: Sale {
            number: record.sale.number.clone(),
            amount_minor: record.amount.minor(),
            currency: record.amount.currency().code().to_owned(),
            tax_minor: record.sale.tax_minor,
            tip_minor: record.sale.tip_minor,
            staff: record.staff.map(|id| id.to_string()).unwrap_or_default(),
            lines,
        },
        card: CardSummary {
            brand: record.card.brand.name().to_owned(),
            last4: record.card.last4.clone(),
            entry: record.card.entry.name().to_owned(),
            pan_hmac: None,
        },
        offline: record.offline,
        taken_ms: record.taken.judged_ms(now_ms),
        received_ms: now_ms,
        state,
        changed_ms: now_ms,
        change: 0,
        again: Again::default(),
    }))
}
