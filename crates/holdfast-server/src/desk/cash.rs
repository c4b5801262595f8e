//! The cash drawer: what was put in and taken out, and what a count found against what the books expect.

use super::Desk;
use crate::journal::{self, Post};
use crate::store::StoreError;
use crate::store::books::row::damaged;
use crate::store::db::{Conn, Dialect};
use holdfast_core::books::{CashMove as Moved, MoneyEvent};
use holdfast_core::id::MerchantId;
use holdfast_core::limits::{BOOKED_MINOR_MAX, CASH_ID_CHARS_MAX, CASH_NOTE_CHARS_MAX};
use holdfast_core::time::{UnixMs, iso_date};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

/// What was done with cash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CashKind {
    /// The change that a day begins with.
    Float,
    PayIn,
    PayOut,
    /// The drawer was counted.
    Count,
}

impl CashKind {
    pub const ALL: [Self; 4] = [Self::Float, Self::PayIn, Self::PayOut, Self::Count];

    pub fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::PayIn => "pay-in",
            Self::PayOut => "pay-out",
            Self::Count => "count",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CashMove {
    pub id: String,
    pub kind: CashKind,
    /// Of a count: what was counted.
    pub amount_minor: i64,
    /// Of a count: what the books expected.
    pub expected_minor: Option<i64>,
    pub currency: String,
    pub note: String,
    /// Who did it.
    pub by: String,
    pub at_ms: i64,
}

impl CashMove {
    /// A move that is to be kept; `None` when a part of it is none.
    pub fn new(id: String, kind: CashKind, amount_minor: i64, note: String) -> Option<Self> {
        let is_id = (1..=CASH_ID_CHARS_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_amount = (0..=BOOKED_MINOR_MAX).contains(&amount_minor);
        let is_note = note.chars().count() <= CASH_NOTE_CHARS_MAX && !note.contains(char::is_control);
        let (currency, by) = (String::new(), String::new());
        (is_id && is_amount && is_note).then_some(Self {
            id,
            kind,
            amount_minor,
            expected_minor: None,
            currency,
            note,
            by,
            at_ms: 0,
        })
    }
}

/// The drawer of a business day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Drawer {
    /// As `2026-11-23`.
    pub day: String,
    pub currency: String,
    /// What is in it by the books, after everything that is booked.
    pub expected_minor: i64,
    /// The day's last count, what was expected then, and the difference: negative when something was missing.
    pub counted_minor: Option<i64>,
    pub counted_expected_minor: Option<i64>,
    pub difference_minor: Option<i64>,
    /// What all counts of the day found too much, or too little if it is negative.
    pub differences_minor: i64,
    /// The day's moves, oldest first.
    pub moves: Vec<CashMove>,
}

/// Why a move was not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CashError {
    #[error("another move has this id")]
    Another,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Desk {
    /// Keeps a move and books it, and says whether it is new. The same id with the same move is given as it was kept.
    ///
    /// # Errors
    /// When the id belongs to another move, or the database refuses.
    pub async fn move_cash(
        &self,
        user_id: &str,
        asked: CashMove,
        now_ms: UnixMs,
    ) -> Result<(bool, CashMove), CashError> {
        let (dialect, merchant_id, user_id) = (self.db.dialect(), self.merchant_id, user_id.to_owned());
        let wanted = asked.clone();
        let keep = Keep { dialect, merchant_id, user_id, asked, now_ms };
        let (is_new, kept) = self.db.write(move |c| Box::pin(async move { keep.run(c).await })).await?;
        let is_same = (kept.kind, kept.amount_minor, &kept.note) == (wanted.kind, wanted.amount_minor, &wanted.note);
        if is_same { Ok((is_new, kept)) } else { Err(CashError::Another) }
    }

    /// The drawer of a business day; today's without one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn drawer(&self, day: Option<i64>, now_ms: UnixMs) -> Result<Drawer, StoreError> {
        let calendar = journal::Journal::of(self.db.clone()).calendar(self.merchant_id).await?;
        let day = day.unwrap_or_else(|| calendar.when(now_ms).day);
        let rows = sqlx::query(ONES_OF_DAY).bind(self.id()).bind(day).fetch_all(self.db.reader()).await?;
        let moves = rows.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        let row = sqlx::query(CURRENCY).bind(self.id()).fetch_one(self.db.reader()).await?;
        let currency: String = row.try_get("currency")?;
        let row = sqlx::query(EXPECTED).bind(self.id()).bind(&currency).fetch_one(self.db.reader()).await?;
        let counted = moves.iter().rev().find(|one| one.kind == CashKind::Count);
        let found = |one: &CashMove| one.expected_minor.map(|expected| one.amount_minor - expected);
        Ok(Drawer {
            day: iso_date(day),
            expected_minor: row.try_get("minor")?,
            counted_minor: counted.map(|one| one.amount_minor),
            counted_expected_minor: counted.and_then(|one| one.expected_minor),
            difference_minor: counted.and_then(found),
            differences_minor: moves.iter().filter_map(found).sum(),
            currency,
            moves,
        })
    }
}

const CURRENCY: &str = "SELECT currency FROM merchants WHERE id = $1";
/// What the books have in the drawer.
const EXPECTED: &str = "SELECT CAST(coalesce(sum(balance_minor), 0) AS BIGINT) AS minor FROM book_sums
    WHERE merchant_id = $1 AND kind = 'accounts' AND key = 'cash-drawer' AND currency = $2";
const ONES_OF_DAY: &str =
    "SELECT m.*, coalesce(nullif(u.name, ''), u.email) AS name FROM cash_moves m JOIN users u ON u.id = m.user_id
    WHERE m.merchant_id = $1 AND m.day = $2 ORDER BY m.at_ms, m.id";
const ONE: &str = "SELECT m.*, coalesce(nullif(u.name, ''), u.email) AS name FROM cash_moves m JOIN users u ON u.id = m.user_id WHERE m.merchant_id = $1 AND m.id = $2";

struct Keep {
    dialect: Dialect,
    merchant_id: MerchantId,
    user_id: String,
    asked: CashMove,
    now_ms: UnixMs,
}

impl Keep {
    async fn run(&self, c: &mut Conn) -> Result<(bool, CashMove), StoreError> {
        // One move of a merchant at a time: a count must know every move before it.
        journal::hold_cursor(c, self.dialect, self.merchant_id).await?;
        let merchant = self.merchant_id.to_string();
        if let Some(row) = sqlx::query(ONE).bind(&merchant).bind(&self.asked.id).fetch_optional(&mut *c).await? {
            return Ok((false, one(&row)?));
        }
        let row = sqlx::query(CURRENCY).bind(&merchant).fetch_one(&mut *c).await?;
        let currency: String = row.try_get("currency")?;
        let amount_minor = self.asked.amount_minor;
        let (what, booked_minor, expected_minor) = match self.asked.kind {
            CashKind::Float | CashKind::PayIn => (Moved::In, amount_minor, None),
            CashKind::PayOut => (Moved::Out, amount_minor, None),
            CashKind::Count => {
                let row = sqlx::query(EXPECTED).bind(&merchant).bind(&currency).fetch_one(&mut *c).await?;
                let expected_minor: i64 = row.try_get("minor")?;
                (Moved::Difference, amount_minor - expected_minor, Some(expected_minor))
            }
        };
        self.insert(c, &currency, expected_minor).await?;
        // A count that finds what was expected moves nothing.
        if booked_minor != 0 {
            let post = Post {
                merchant_id: self.merchant_id,
                id: self.asked.id.clone(),
                event: MoneyEvent::Cash { what, amount_minor: booked_minor },
                currency,
                at_ms: self.now_ms,
            };
            journal::post_in(c, self.dialect, &post, self.now_ms).await?;
        }
        let row = sqlx::query(ONE).bind(&merchant).bind(&self.asked.id).fetch_one(c).await?;
        Ok((true, one(&row)?))
    }

    async fn insert(&self, c: &mut Conn, currency: &str, expected_minor: Option<i64>) -> Result<(), StoreError> {
        let day = journal::day_in(c, self.merchant_id, self.now_ms).await?;
        sqlx::query(
            "INSERT INTO cash_moves (merchant_id, id, kind, amount_minor, expected_minor, currency, note, user_id, day, at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(self.merchant_id.to_string())
        .bind(&self.asked.id)
        .bind(self.asked.kind.name())
        .bind(self.asked.amount_minor)
        .bind(expected_minor)
        .bind(currency)
        .bind(&self.asked.note)
        .bind(&self.user_id)
        .bind(day)
        .bind(self.now_ms)
        .execute(c)
        .await?;
        Ok(())
    }
}

fn one(row: &AnyRow) -> Result<CashMove, StoreError> {
    Ok(CashMove {
        id: row.try_get("id")?,
        kind: CashKind::from_name(row.try_get("kind")?).ok_or_else(|| damaged("kind of cash move"))?,
        amount_minor: row.try_get("amount_minor")?,
        expected_minor: row.try_get("expected_minor")?,
        currency: row.try_get("currency")?,
        note: row.try_get("note")?,
        by: row.try_get("name")?,
        at_ms: row.try_get("at_ms")?,
    })
}
