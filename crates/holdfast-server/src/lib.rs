//! Holdfast's server: keys, ingest, acquirer, jobs and the HTTP interface.
//!
//! A batch comes in over [`http`], is taken by [`ingest`] into a [`store::Ledger`], and is acknowledged after its commit. From
//! there [`process`] takes every payment to its end at an [`acquirer::Acquirer`]. [`keys`] makes, publishes and destroys
//! the keys around it. Ingest and process read no clock, draw no random number and start no task by themselves, so the
//! deterministic simulation runs them as they are.

pub mod acquirer;
pub mod again;
pub mod cli;
pub mod clock;
pub mod demo;
pub mod desk;
pub mod hooks;
pub mod http;
pub mod ingest;
pub mod instructions;
pub mod journal;
pub mod keys;
pub mod listen;
pub mod mail;
pub mod ops;
pub mod people;
pub mod policy;
pub mod process;
pub mod receipts;
pub mod settlement;
pub mod store;
pub mod telemetry;

#[cfg(test)]
mod testing;
