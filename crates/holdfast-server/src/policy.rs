//! The signed policy: made when it is asked for and the last one is no longer true, by the signer of the key set and under its rules.
//!
//! It is signed anew after a change of the settings, and every twelve hours for the rates of decline. Its version grows as the key set's does, so
//! that restored books go on above what the lost ones had signed.

use crate::desk::Desk;
use crate::journal::Journal;
use crate::keys::{KeyError, Keyring};
use crate::store::db::Conn;
use crate::store::{Books, StoreError};
use holdfast_core::id::MerchantId;
use holdfast_core::keys::next_version;
use holdfast_core::limits::POLICY_FRESH_MS;
use holdfast_core::time::{DAY_MS, UnixMs};
use holdfast_wire::V;
use holdfast_wire::policy::{PolicyAnswer, PolicyDocument};
use sqlx::Row as _;

/// The newest that was signed.
struct Signed {
    version: u64,
    signed_ms: UnixMs,
    change_number: i64,
    cert: String,
    jws: String,
}

impl Signed {
    fn answer(self) -> PolicyAnswer {
        PolicyAnswer { v: V, cert: self.cert, policy: self.jws }
    }
}

/// What the tills of a merchant are to go by.
///
/// # Errors
/// When the database refuses, or nothing can be signed.
pub async fn signed(
    books: &Books,
    keyring: &Keyring,
    now_ms: UnixMs,
    merchant_id: MerchantId,
) -> Result<PolicyAnswer, KeyError> {
    let desk = Desk::new(books.db().clone(), merchant_id);
    let (held, now) = (held(books, merchant_id).await?, desk.policy().await?);
    let is_true = |held: &Signed| {
        let age_ms = now_ms.saturating_sub(held.signed_ms);
        held.change_number == now.number && (0..POLICY_FRESH_MS).contains(&age_ms) && keyring.is_of_our_root(&held.cert)
    };
    let held = match held {
        Some(held) if is_true(&held) => return Ok(held.answer()),
        held => held,
    };
    let document = PolicyDocument {
        v: V,
        version: next_version(held.map(|held| held.version), now_ms),
        issued_ms: now_ms,
        merchant_id: merchant_id.to_string(),
        currency: now.currency,
        settings: now.settings,
        day_offset_ms: day_offset_ms(books, now_ms, merchant_id).await?,
        rates: desk.decline_rates().await?,
    };
    let (cert, jws) = keyring.sign_policy(now_ms, &document).await?;
    let fresh = Signed { version: document.version, signed_ms: now_ms, change_number: now.number, cert, jws };
    let merchant = merchant_id.to_string();
    books.db().write(move |c| Box::pin(keep(c, merchant, fresh))).await?;
    // Another server may have signed one in the same moment: what is kept is what everybody is given.
    let kept = self::held(books, merchant_id).await?;
    kept.map(Signed::answer).ok_or(KeyError::Store(StoreError::Conflict))
}

async fn held(books: &Books, merchant_id: MerchantId) -> Result<Option<Signed>, StoreError> {
    let found = sqlx::query("SELECT * FROM policy_documents WHERE merchant_id = $1")
        .bind(merchant_id.to_string())
        .fetch_optional(books.db().reader())
        .await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(Signed {
        version: crate::store::books::row::unsigned(&row, "version")?,
        signed_ms: row.try_get("signed_ms")?,
        change_number: row.try_get("change_number")?,
        cert: row.try_get("cert")?,
        jws: row.try_get("jws")?,
    }))
}

async fn keep(c: &mut Conn, merchant: String, signed: Signed) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO policy_documents (merchant_id, version, signed_ms, change_number, cert, jws) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (merchant_id) DO UPDATE SET version = excluded.version, signed_ms = excluded.signed_ms,
           change_number = excluded.change_number, cert = excluded.cert, jws = excluded.jws
         WHERE excluded.version > policy_documents.version",
    )
    .bind(merchant)
    .bind(i64::try_from(signed.version).unwrap_or(i64::MAX))
    .bind(signed.signed_ms)
    .bind(signed.change_number)
    .bind(signed.cert)
    .bind(signed.jws)
    .execute(c)
    .await?;
    Ok(())
}

/// What to add to a time so that the shop's business days are whole days. It holds until the clocks are set, and is signed anew before long.
async fn day_offset_ms(books: &Books, now_ms: UnixMs, merchant_id: MerchantId) -> Result<i64, StoreError> {
    let calendar = Journal::new(books).calendar(merchant_id).await?;
    let day = calendar.when(now_ms).day;
    let (from_ms, _) = calendar.window(day);
    Ok(day * DAY_MS - from_ms)
}
