//! The merchant, the catalogue, and what tills are told of both.

use super::row::{damaged, flag, small, unsigned};
use super::windows::Windows;
use super::{Books, staff};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::id::MerchantId;
use holdfast_core::time::UnixMs;
use holdfast_wire::b64;
use holdfast_wire::shop::{CategoryWire, ItemWire, Merchant, PolicyWire, Shop};
use holdfast_wire::team::{StaffWire, TeamWire, TipsWire};
use sqlx::AnyPool;
use sqlx::Row as _;
use sqlx::any::AnyRow;

impl Books {
    /// The first merchant, if there is one. The demo has exactly one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn first_merchant(&self) -> Result<Option<MerchantId>, StoreError> {
        let found =
            sqlx::query("SELECT id FROM merchants ORDER BY id LIMIT 1").fetch_optional(self.db.reader()).await?;
        found.as_ref().map(|row| super::row::parsed(row, "id")).transpose()
    }

    /// Every merchant.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn merchant_ids(&self) -> Result<Vec<MerchantId>, StoreError> {
        let rows = sqlx::query("SELECT id FROM merchants ORDER BY id").fetch_all(self.db.reader()).await?;
        rows.iter().map(|row| super::row::parsed(row, "id")).collect()
    }

    /// Adds a merchant with its catalogue, in one transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_shop(&self, shop: Shop) -> Result<(), StoreError> {
        self.db.write(move |c| Box::pin(add(c, shop))).await
    }

    /// A merchant as its receipts name it.
    ///
    /// # Errors
    /// When the database refuses, or knows no such merchant.
    pub async fn merchant(&self, merchant_id: MerchantId) -> Result<Merchant, StoreError> {
        let id = merchant_id.to_string();
        merchant(&sqlx::query("SELECT * FROM merchants WHERE id = $1").bind(id).fetch_one(self.db.reader()).await?)
    }

    /// What a till of this merchant needs to sell, as any program may be told: without the staff.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn shop(&self, merchant_id: MerchantId) -> Result<Shop, StoreError> {
        let mut reader = self.db.reader().acquire().await?;
        let shop = read(&mut reader, &merchant_id.to_string()).await?.0;
        Ok(Shop { version: 0, team: TeamWire::default(), tips: TipsWire::default(), ..shop })
    }

    /// Everything that tills are told of their shop, with its version. Whoever changed something, by whatever way, the version grows with the
    /// first till that asks afterwards. Like a key set's it is the second in which it was made, or one more than the last: books that came from a
    /// copy go on above what the lost ones had told.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn versioned_shop(&self, merchant_id: MerchantId, now_ms: UnixMs) -> Result<Shop, StoreError> {
        let id = merchant_id.to_string();
        let (shop, told) = read(&mut *self.db.reader().acquire().await?, &id).await?;
        if told == digest(&shop) {
            return Ok(shop);
        }
        self.db.write(move |c| Box::pin(async move { next_version(c, &id, now_ms).await })).await
    }
}

/// The shop, and the digest of what tills were told last.
async fn read(c: &mut Conn, id: &str) -> Result<(Shop, String), StoreError> {
    let row = sqlx::query("SELECT * FROM merchants WHERE id = $1").bind(id).fetch_one(&mut *c).await?;
    let categories = sqlx::query("SELECT * FROM categories WHERE merchant_id = $1 ORDER BY position")
        .bind(id)
        .fetch_all(&mut *c)
        .await?;
    let items =
        sqlx::query("SELECT * FROM items WHERE merchant_id = $1 ORDER BY position").bind(id).fetch_all(&mut *c).await?;
    let shop = Shop {
        v: holdfast_wire::V,
        version: unsigned(&row, "shop_version")?,
        merchant: merchant(&row)?,
        policy: PolicyWire {
            window_ms: row.try_get("window_ms")?,
            payment_minor_max: row.try_get("payment_minor_max")?,
            keyed_minor_max: row.try_get("keyed_minor_max")?,
            total_minor_max: row.try_get("total_minor_max")?,
        },
        categories: categories.iter().map(category).collect::<Result<_, _>>()?,
        items: items.iter().map(item).collect::<Result<_, _>>()?,
        team: team(&row, staff::who_can_sign_in(c, id).await?)?,
        tips: tips(&row)?,
    };
    Ok((shop, row.try_get("shop_digest")?))
}

/// Of everything but the version.
fn digest(shop: &Shop) -> String {
    b64::encode(b64::sha256(Shop { version: 0, ..shop.clone() }.to_json()))
}

async fn next_version(c: &mut Conn, id: &str, now_ms: UnixMs) -> Result<Shop, StoreError> {
    // Holds the row: no other replica tells older data under a higher version.
    sqlx::query("UPDATE merchants SET shop_version = shop_version WHERE id = $1").bind(id).execute(&mut *c).await?;
    let (shop, told) = read(&mut *c, id).await?;
    let digest = digest(&shop);
    if told == digest {
        return Ok(shop);
    }
    let version = u64::try_from(now_ms / 1_000).unwrap_or(0).max(shop.version.saturating_add(1));
    sqlx::query("UPDATE merchants SET shop_version = $1, shop_digest = $2 WHERE id = $3")
        .bind(i64::try_from(version).map_err(|_| damaged("version"))?)
        .bind(digest)
        .bind(id)
        .execute(c)
        .await?;
    Ok(Shop { version, ..shop })
}

pub async fn window_ms(reader: &AnyPool, at_ms: UnixMs, merchant_id: MerchantId) -> Result<i64, StoreError> {
    let mut c = reader.acquire().await?;
    Windows::read(&mut c, vec![(merchant_id, at_ms)]).await?.of(merchant_id, at_ms)
}

async fn add(connection: &mut Conn, shop: Shop) -> Result<(), StoreError> {
    let (m, p) = (&shop.merchant, &shop.policy);
    sqlx::query(
        "INSERT INTO merchants (id, name, currency, locale, tax_inclusive, keypad_tax_bp, receipt_footer, window_ms,
         payment_minor_max, keyed_minor_max, total_minor_max, zone, must_sign_in, idle_lock_ms, staff_on_receipts, tips)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(&m.id)
    .bind(&m.name)
    .bind(&m.currency)
    .bind(&m.locale)
    .bind(i64::from(m.tax_inclusive))
    .bind(i64::from(m.keypad_tax_bp))
    .bind(&m.receipt_footer)
    .bind(p.window_ms)
    .bind(p.payment_minor_max)
    .bind(p.keyed_minor_max)
    .bind(p.total_minor_max)
    .bind(&m.zone)
    .bind(i64::from(shop.team.must_sign_in))
    .bind(shop.team.idle_lock_ms)
    .bind(i64::from(shop.team.on_receipts))
    .bind(tips_text(&shop.tips))
    .execute(&mut *connection)
    .await?;
    for (position, category) in (0_i64..).zip(&shop.categories) {
        sqlx::query("INSERT INTO categories (id, merchant_id, position, name, colour) VALUES ($1, $2, $3, $4, $5)")
            .bind(&category.id)
            .bind(&m.id)
            .bind(position)
            .bind(&category.name)
            .bind(&category.colour)
            .execute(&mut *connection)
            .await?;
    }
    for (position, item) in (0_i64..).zip(&shop.items) {
        sqlx::query(
            "INSERT INTO items (id, merchant_id, category_id, position, name, price_minor, tax_bp, sku, barcode)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&item.id)
        .bind(&m.id)
        .bind(&item.category_id)
        .bind(position)
        .bind(&item.name)
        .bind(item.price_minor)
        .bind(i64::from(item.tax_bp))
        .bind(&item.sku)
        .bind(&item.barcode)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

fn merchant(row: &AnyRow) -> Result<Merchant, StoreError> {
    Ok(Merchant {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        currency: row.try_get("currency")?,
        locale: row.try_get("locale")?,
        tax_inclusive: flag(row, "tax_inclusive")?,
        keypad_tax_bp: small(row, "keypad_tax_bp")?,
        receipt_footer: row.try_get("receipt_footer")?,
        zone: row.try_get("zone")?,
    })
}

fn team(row: &AnyRow, staff: Vec<StaffWire>) -> Result<TeamWire, StoreError> {
    Ok(TeamWire {
        staff,
        must_sign_in: flag(row, "must_sign_in")?,
        idle_lock_ms: row.try_get("idle_lock_ms")?,
        on_receipts: flag(row, "staff_on_receipts")?,
    })
}

/// The tips of a merchant's row. A damaged text offers none, rather than to keep the tills from their shop.
pub fn tips(row: &AnyRow) -> Result<TipsWire, StoreError> {
    Ok(serde_json::from_str(row.try_get("tips")?).unwrap_or_default())
}

/// As a row keeps them.
pub fn tips_text(tips: &TipsWire) -> String {
    serde_json::to_string(tips).unwrap_or_default()
}

fn category(row: &AnyRow) -> Result<CategoryWire, StoreError> {
    Ok(CategoryWire { id: row.try_get("id")?, name: row.try_get("name")?, colour: row.try_get("colour")? })
}

fn item(row: &AnyRow) -> Result<ItemWire, StoreError> {
    Ok(ItemWire {
        id: row.try_get("id")?,
        category_id: row.try_get("category_id")?,
        name: row.try_get("name")?,
        price_minor: row.try_get("price_minor")?,
        tax_bp: small(row, "tax_bp")?,
        sku: row.try_get("sku")?,
        barcode: row.try_get("barcode")?,
    })
}
