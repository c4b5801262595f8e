//! What a person sees and does of one merchant. A [`Desk`] is made from a credential, so every statement here names the
//! merchant of whoever asks, and there is no way to ask about another one.

mod cash;
mod codes;
mod deliveries;
mod devices;
mod missing;
mod needs;
mod payments;
mod policy;
mod quarantine;
mod reconciliations;
mod risk;
mod staff;
mod story;
mod webhooks;

pub use cash::{CashError, CashKind, CashMove, Drawer};
pub use codes::{Code, CodeError};
pub use deliveries::{Before, DeliveryLine, Replay};
pub use devices::{DeviceRow, Location};
pub use missing::MissingLine;
pub use needs::{Need, NeedKind, Waiting};
pub use payments::{PaymentLine, Standing, Which};
pub use policy::{PolicyChange, PolicyNow};
pub use quarantine::{Claims, Decision, QuarantineLine, Verdict};
pub use reconciliations::words as chargeback_words;
pub use reconciliations::{DaySummary, DifferenceLine, Reconciliation};
pub use risk::Risk;
pub use staff::{Let, StaffChange, StaffRow, link_until_ms};
pub use story::{StoryLine, What};
pub use webhooks::{NewWebhook, Webhook, WebhookChange};

use crate::store::Database;
use holdfast_core::id::MerchantId;

/// One merchant's affairs.
#[derive(Debug, Clone)]
pub struct Desk {
    db: Database,
    merchant_id: MerchantId,
}

impl Desk {
    pub fn new(db: Database, merchant_id: MerchantId) -> Self {
        Self { db, merchant_id }
    }

    pub fn merchant_id(&self) -> MerchantId {
        self.merchant_id
    }

    fn id(&self) -> String {
        self.merchant_id.to_string()
    }
}
