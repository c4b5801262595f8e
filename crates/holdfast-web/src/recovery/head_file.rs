//! The journal's own copy of the chain's head. It outlives the records that were acknowledged, so that after a wipe no sequence
//! number and no sale number is given twice. It is one file per device id: another device's head is of no use.

use crate::shared::Shared;
use holdfast_core::outbox::StoreFault;
use holdfast_wire::stored::ChainHead;

const PREFIX: &str = "head-";

pub(super) fn head_name(device_id: &str) -> String {
    format!("{PREFIX}{device_id}.json")
}

pub(super) fn is_head(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// A head that is torn counts as none: the records say the rest.
pub(super) async fn read_head(shared: &Shared, name: &str) -> Result<Option<ChainHead>, StoreFault> {
    Ok(shared.journal.read(name).await?.and_then(|text| ChainHead::from_json(&text).ok()))
}

/// Copies the database's head into the journal, after a save or a new sale number. Nobody waits for it.
pub async fn write_head(shared: &Shared) -> Result<(), StoreFault> {
    let (Some(identity), Some(head)) = (shared.identity(), shared.money.head_if_any().await?) else { return Ok(()) };
    let name = head_name(&identity.enrolment.device_id);
    shared.journal.write(&name, &head.to_json()).await.map(drop)
}
