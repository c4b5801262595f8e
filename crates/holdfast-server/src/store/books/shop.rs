//! The merchant and the catalogue.

use super::Books;
use super::row::{damaged, flag, small};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::id::MerchantId;
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_core::time::UnixMs;
use holdfast_wire::shop::{CategoryWire, ItemWire, Merchant, PolicyWire, Shop};
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

    /// What a till of this merchant needs to sell.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn shop(&self, merchant_id: MerchantId) -> Result<Shop, StoreError> {
        let id = merchant_id.to_string();
        let row = sqlx::query("SELECT * FROM merchants WHERE id = $1").bind(&id).fetch_one(self.db.reader()).await?;
        let categories = sqlx::query("SELECT * FROM categories WHERE merchant_id = $1 ORDER BY position")
            .bind(&id)
            .fetch_all(self.db.reader())
            .await?;
        let items = sqlx::query("SELECT * FROM items WHERE merchant_id = $1 ORDER BY position")
            .bind(&id)
            .fetch_all(self.db.reader())
            .await?;
        Ok(Shop {
            v: holdfast_wire::V,
            merchant: merchant(&row)?,
            policy: PolicyWire {
                window_ms: row.try_get("window_ms")?,
                payment_minor_max: row.try_get("payment_minor_max")?,
                keyed_minor_max: row.try_get("keyed_minor_max")?,
                total_minor_max: row.try_get("total_minor_max")?,
            },
            categories: categories.iter().map(category).collect::<Result<_, _>>()?,
            items: items.iter().map(item).collect::<Result<_, _>>()?,
        })
    }
}

pub async fn window_ms(reader: &AnyPool, at_ms: UnixMs, merchant_id: MerchantId) -> Result<i64, StoreError> {
    let found = sqlx::query(
        "SELECT coalesce((SELECT max(window_ms) FROM policy_changes WHERE merchant_id = $1 AND number >=
             (SELECT coalesce(max(number), 0) FROM policy_changes WHERE merchant_id = $1 AND at_ms <= $2)), window_ms) AS window_ms
           FROM merchants WHERE id = $1",
    )
    .bind(merchant_id.to_string())
    .bind(at_ms.saturating_sub(WINDOW_MS_MAX))
    .fetch_optional(reader)
    .await?;
    let window_ms: i64 = found.ok_or_else(|| damaged("merchant"))?.try_get("window_ms")?;
    Ok(window_ms.clamp(0, WINDOW_MS_MAX))
}

async fn add(connection: &mut Conn, shop: Shop) -> Result<(), StoreError> {
    let (m, p) = (&shop.merchant, &shop.policy);
    sqlx::query(
        "INSERT INTO merchants (id, name, currency, locale, tax_inclusive, keypad_tax_bp, receipt_footer, window_ms,
         payment_minor_max, keyed_minor_max, total_minor_max, zone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
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
