//! Receipts for customers: the live receipt's page, and what it says.
//!
//! [`Receipts`] knows the addresses, [`view`] says what a payment's receipt holds, in the shop's language and time, and [`page`] draws it.
//! Nothing of a person is in it but the brand and the last four digits of a card.

pub mod format;
pub mod page;
mod view;
mod words;

pub use view::{Facts, ReceiptView, SAMPLE_STATES, Shown, sample};
pub use words::{Lang, Words};

use crate::again::Sale;
use crate::store::{Books, Ledger as _, StoreError};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use holdfast_core::id::PaymentId;
use holdfast_core::time::UnixMs;
use holdfast_crypto::SecretBytes;
use holdfast_crypto::receipt_link::{ReceiptLinkError, ReceiptLinkKey};
use page::Page;

/// Why there can be no receipts.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    #[error(transparent)]
    Link(#[from] ReceiptLinkError),
    #[error("the receipt's own template is broken: {0}")]
    Template(#[from] minijinja::Error),
}

/// Addresses and pages of receipts.
#[derive(Debug)]
pub struct Receipts {
    links: ReceiptLinkKey,
    pub page: Page,
    /// Whether customers may pay again what was not paid.
    pub pays_again: bool,
}

impl Receipts {
    /// With addresses under a key that every replica of this server shares: the one that keys the hash of cards.
    ///
    /// # Errors
    /// When the key or the page's template cannot be used.
    pub fn new(key: &SecretBytes) -> Result<Self, ReceiptError> {
        Ok(Self { links: ReceiptLinkKey::derive(key)?, page: Page::new()?, pays_again: true })
    }

    /// Sets whether customers may pay again what was not paid.
    pub fn with_pay_again(self, pays_again: bool) -> Self {
        Self { pays_again, ..self }
    }

    /// Path of a payment's receipt on this server.
    pub fn path_of(&self, id: PaymentId) -> Option<String> {
        let token = self.links.token(id.to_bytes()).ok()?;
        Some(format!("/r/{}", BASE64_URL_SAFE_NO_PAD.encode(token)))
    }

    /// What a payment's receipt says now. `None`: there is no such payment.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn view_of(
        &self,
        books: &Books,
        id: PaymentId,
        now_ms: UnixMs,
    ) -> Result<Option<ReceiptView>, StoreError> {
        let Some(sale) = Sale::read(books, id).await? else { return Ok(None) };
        let can_pay = self.pays_again && sale.is_payable(now_ms);
        Ok(Some(Self::view(books, &sale, can_pay).await?))
    }

    /// The same of a sale that was read. `can_pay`: its page offers to.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn view(books: &Books, sale: &Sale, can_pay: bool) -> Result<ReceiptView, StoreError> {
        let (payment, earlier) = (sale.last(), sale.earlier());
        let merchant = books.merchant(payment.merchant_id).await?;
        let window_ms = books.window_ms(payment.received_ms, payment.merchant_id).await?;
        let served_by = match payment.sale.staff.as_str() {
            "" => None,
            staff => books.served_by(payment.merchant_id, staff).await?,
        };
        let served_by = served_by.as_deref();
        Ok(ReceiptView::of(Facts { payment, earlier, can_pay, merchant: &merchant, served_by, window_ms }))
    }

    /// The payment whose token this would be. There need not be one.
    pub fn payment_of(&self, token: &str) -> Option<PaymentId> {
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        PaymentId::from_bytes(self.links.id(token).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_128_bits_and_leads_back() {
        let receipts = Receipts::new(&SecretBytes::from(&[7; 32][..])).expect("receipts");
        let id = PaymentId::make(1_795_392_000_000, [7; 10]);
        let path = receipts.path_of(id).expect("a path");
        let token = path.strip_prefix("/r/").expect("a token");
        assert_eq!((token.len(), receipts.payment_of(token)), (22, Some(id)));
        // The last character of 22 holds 4 bits that must be zero: one receipt has one address.
        let other_end = format!("{}{}", &token[..21], if token.ends_with('B') { 'C' } else { 'B' });
        for wrong in ["", "x", &token[1..], &format!("{token}A"), &other_end, "../../../etc/passwd", "%00"] {
            assert_ne!(receipts.payment_of(wrong), Some(id), "{wrong}");
        }
    }
}
