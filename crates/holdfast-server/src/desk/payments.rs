//! A merchant's payments, newest change first.

use super::Desk;
use crate::store::StoreError;
use holdfast_core::payment::Decline;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A payment in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentLine {
    pub id: String,
    pub number: String,
    pub device_name: String,
    pub amount_minor: i64,
    pub currency: String,
    pub brand: String,
    pub last4: String,
    pub state: String,
    /// In words, when there is something to say.
    pub reason: Option<String>,
    pub offline: bool,
    pub taken_ms: i64,
    pub change: i64,
}

/// Which payments a list is about. Every part that is not said is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Which {
    pub state: Standing,
    /// When they were taken: from, and until before.
    pub taken_ms: Option<(i64, i64)>,
    pub device_id: Option<String>,
    pub offline: Option<bool>,
    /// Those that sold something of this name, or at this tax rate.
    pub item: Option<String>,
    pub tax_bp: Option<u32>,
}

impl Which {
    /// What the lines of a sale hold, as a pattern: they are kept as the JSON that we wrote ourselves.
    fn sold(&self) -> [String; 2] {
        let name = self.item.as_ref().and_then(|name| serde_json::to_string(name).ok());
        let escaped = name.map(|name| name.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        let item = escaped.map_or_else(|| "%".to_owned(), |name| format!("%\"name\":{name},%"));
        let tax = self.tax_bp.map_or_else(|| "%".to_owned(), |bp| format!("%\"tax\\_bp\":{bp},%"));
        [item, tax]
    }
}

/// Where payments stand, as people ask for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Any,
    Waiting,
    Paid,
    Declined,
    /// Declined, or too late for their window, after the goods were handed out.
    Lost,
    PaidBack,
    Voided,
}

impl Standing {
    /// The names that addresses have for them, and their words.
    pub const ALL: [(Self, &str, &str); 7] = [
        (Self::Any, "", "All"),
        (Self::Waiting, "waiting", "Waiting"),
        (Self::Paid, "paid", "Paid"),
        (Self::Declined, "declined", "Declined"),
        (Self::Lost, "lost", "Lost"),
        (Self::PaidBack, "paid-back", "Paid back"),
        (Self::Voided, "voided", "Voided"),
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == name).map(|(standing, ..)| standing)
    }

    fn condition(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Waiting => "AND p.state IN ('received', 'authorising', 'authorised', 'capturing')",
            Self::Paid => "AND p.state IN ('captured', 'partly-refunded')",
            Self::Declined => "AND p.state = 'declined'",
            Self::Lost => LOST,
            Self::PaidBack => "AND p.state IN ('partly-refunded', 'refunded')",
            Self::Voided => "AND p.state = 'voided'",
        }
    }
}

/// The books know what was handed out before it was declined. What its customer paid again since, or settled in another way, is not lost.
pub(super) const LOST: &str = "AND p.state IN ('declined', 'expired') AND p.settled_otherwise_ms IS NULL AND EXISTS (SELECT 1 FROM journal j
    WHERE j.merchant_id = p.merchant_id AND j.source = p.id AND j.reason IN ('declined-after-the-fact', 'expired'))
    AND NOT EXISTS (WITH RECURSIVE later (id) AS
        (SELECT p.replaced_by UNION SELECT n.replaced_by FROM later l JOIN payments n ON n.id = l.id)
      SELECT 1 FROM later l JOIN payments n ON n.id = l.id WHERE n.state NOT IN ('declined', 'expired') OR n.settled_otherwise_ms IS NOT NULL)";

impl Desk {
    /// The page before `before`, which is the `change` of the last line of the page above.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn payments(&self, which: &Which, before: i64, limit: usize) -> Result<Vec<PaymentLine>, StoreError> {
        let text = format!(
            "SELECT p.id, p.number, p.amount_minor, p.currency, p.brand, p.last4, p.state, p.reason, p.offline, p.taken_ms,
               p.change, d.name AS device_name
             FROM payments p JOIN devices d ON d.id = p.device_id
             WHERE p.merchant_id = $1 AND p.change < $2 AND p.taken_ms >= $4 AND p.taken_ms < $5 AND ($6 = '' OR p.device_id = $6)
               AND ($7 < 0 OR p.offline = $7) AND p.lines LIKE $8 ESCAPE '\\' AND p.lines LIKE $9 ESCAPE '\\' {} ORDER BY p.change DESC LIMIT $3",
            which.state.condition()
        );
        let [item, tax] = which.sold();
        let (from_ms, to_ms) = which.taken_ms.unwrap_or((i64::MIN, i64::MAX));
        // Made of constants only; every value is bound.
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(self.id())
            .bind(before)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(from_ms)
            .bind(to_ms)
            .bind(which.device_id.clone().unwrap_or_default())
            .bind(which.offline.map_or(-1, i64::from))
            .bind(item)
            .bind(tax)
            .fetch_all(self.db.reader())
            .await?;
        rows.iter().map(line).collect()
    }
}

fn line(row: &AnyRow) -> Result<PaymentLine, StoreError> {
    let state: String = row.try_get("state")?;
    let reason: Option<String> = row.try_get("reason")?;
    let reason = match state.as_str() {
        "declined" => reason.map(|code| Decline { code }.words().to_owned()),
        // A list of refunds is for the payment's own page.
        "partly-refunded" | "refunded" => None,
        _ => reason.map(|name| name.replace('-', " ")),
    };
    Ok(PaymentLine {
        id: row.try_get("id")?,
        number: row.try_get("number")?,
        device_name: row.try_get("device_name")?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        brand: row.try_get("brand")?,
        last4: row.try_get("last4")?,
        state,
        reason,
        offline: row.try_get::<i64, _>("offline")? != 0,
        taken_ms: row.try_get("taken_ms")?,
        change: row.try_get("change")?,
    })
}
