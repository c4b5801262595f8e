//! One schema for page and worker. Stores are only ever added: a store that may hold money is never dropped.

use web_sys::IdbDatabase;

pub const MONEY_DB: &str = "holdfast-money";
/// Raise it when a store is added.
pub const MONEY_VERSION: u32 = 1;

/// Sealed payments that wait, by payment id: [`holdfast_wire::stored::StoredPayment`] as JSON.
pub const OUTBOX: &str = "outbox";
/// What is left of acknowledged payments, by payment id: [`holdfast_wire::stored::Tombstone`] as JSON.
pub const TOMBSTONES: &str = "tombstones";
/// The chain's head under `head` ([`holdfast_wire::stored::ChainHead`] as JSON), and how much waits under `tally`
/// ([`holdfast_wire::stored::Tally`] as JSON), and what the business day has taken without an answer under `day`
/// ([`holdfast_wire::stored::StoredDay`] as JSON).
pub const CHAIN: &str = "chain";
/// The device's key pair (CryptoKey objects, private half not extractable) under `keys`, its enrolment as JSON under `enrolment`, and
/// under `revocation` that it is revoked ([`holdfast_wire::stored::Revocation`]).
pub const DEVICE: &str = "device";
/// The verified key set as JSON under `current`, and the verified policy under `policy`.
pub const KEYSET: &str = "keyset";

const STORES: [&str; 5] = [OUTBOX, TOMBSTONES, CHAIN, DEVICE, KEYSET];

/// Adds what is missing.
pub(super) fn upgrade(database: &IdbDatabase) {
    let there = database.object_store_names();
    for store in STORES.into_iter().filter(|s| !there.contains(s)) {
        // If it fails, the upgrade's transaction aborts and the opening fails with it.
        let _ = database.create_object_store(store);
    }
}
