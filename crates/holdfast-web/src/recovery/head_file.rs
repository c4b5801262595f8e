//! The journal's own copy of the chain's head. It outlives the records that were acknowledged, so that after a wipe no sequence
//! number and no sale number is given twice. It is one file per device id: another device's head is of no use.

use crate::journal::Journal;
use crate::shared::Shared;
use holdfast_core::outbox::StoreFault;
use holdfast_wire::stored::ChainHead;

const PREFIX: &str = "head-";

fn head_name(device_id: &str) -> String {
    format!("{PREFIX}{device_id}.json")
}

pub fn is_head(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// A head that is torn counts as none: the records say the rest.
pub async fn read_head(journal: &Journal, device_id: &str) -> Result<Option<ChainHead>, StoreFault> {
    Ok(journal.read(&head_name(device_id)).await?.and_then(|text| ChainHead::from_json(&text).ok()))
}

pub async fn write_head(journal: &Journal, device_id: &str, head: &ChainHead) -> Result<(), StoreFault> {
    journal.write(&head_name(device_id), &head.to_json()).await.map(drop)
}

/// Copies the database's head into the journal, after a save or a new sale number. Nobody waits for it.
pub async fn copy_head(shared: &Shared) -> Result<(), StoreFault> {
    match (shared.identity(), shared.money.head_if_any().await?) {
        (Some(identity), Some(head)) => write_head(&shared.journal, &identity.enrolment.device_id, &head).await,
        _ => Ok(()),
    }
}
