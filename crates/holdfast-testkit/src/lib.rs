//! What the tests of several crates share. It runs natively and in a browser's WebAssembly: no IO, no clock, no runtime.
//!
//! * [`store`]: a device's stores as the core's machines name them, with [`conformance`] for every implementation
//!   and [`memory`] with its fault switches as the one of the simulation.
//! * [`build`]: cards of public test numbers, carts, records and stored payments.
//! * [`rng`]: seeded randomness, the same on every platform. [`clock`]: a wall clock and a monotonic one that tests turn.

pub mod build;
pub mod clock;
pub mod conformance;
pub mod memory;
pub mod ready;
pub mod rng;
pub mod store;
