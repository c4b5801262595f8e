//! What many jobs ask of the books at once, one group of statements for all that wait.

use super::apply::{self, Asked};
use super::{Scope, instructions, keys, payments};
use crate::store::db::Database;
use crate::store::together::Together;
use crate::store::{Case, Instruction};
use holdfast_core::id::PaymentId;

/// A card key's modulus and its store's handle.
pub type KeyHandle = (String, Option<Vec<u8>>);

/// Ways to the groups.
#[derive(Debug, Clone)]
pub struct Groups {
    pub apply: Together<Asked, i64>,
    pub cases: Together<PaymentId, Option<Case>>,
    pub instructions: Together<PaymentId, Vec<Instruction>>,
    pub key_handles: Together<String, Option<KeyHandle>>,
}

impl Groups {
    pub fn start(db: &Database, scope: Scope) -> Self {
        let (writer, reader) = (db.clone(), db.reader());
        let (of_cases, of_instructions, of_keys) = (reader.clone(), reader.clone(), reader.clone());
        Self {
            apply: Together::start(move |asked: Vec<Asked>| {
                let writer = writer.clone();
                async move { writer.write(move |c| Box::pin(apply::apply(c, scope, asked))).await }
            }),
            cases: Together::start(move |ids| payments::cases(of_cases.clone(), ids)),
            instructions: Together::start(move |ids| instructions::of(of_instructions.clone(), ids)),
            key_handles: Together::start(move |kids| keys::handles(of_keys.clone(), kids)),
        }
    }
}
