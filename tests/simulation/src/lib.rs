//! The deterministic simulation: tablets with page and worker, a bad network, the server and its acquirer, from one seed.
//!
//! Under test is the real code: the core's save and upload machines, recovery, retry, connectivity, key sweep; the wire's
//! records, acknowledgements and key sets as bytes; the crypto crate's envelopes and signatures; the server's ingest, jobs
//! and acquirer simulator. The simulation's own part is what a browser, a network and a power cut are in the real world.
//!
//! One run is one thread and one queue of events in simulated time: the same seed gives the same trace. Faults come for a
//! while, then the world heals, and a judge looks at what every party ended up with.

mod crypto;
mod desk;
mod fault;
mod figures;
mod heal;
mod judge;
mod network;
mod plan;
mod plant;
mod server;
mod tablet;
mod trace;
mod world;

pub use figures::Figures;
pub use plant::Plant;

/// How to run a seed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// A bug to plant. The run must then fail, or the simulation is blind to it.
    pub plant: Option<Plant>,
    /// Keep every line of the trace, not only the last ones.
    pub keeps_trace: bool,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    pub seed: u64,
    /// What the judge found, in words. Empty: all is well.
    pub violations: Vec<String>,
    pub figures: Figures,
    /// Hash of the whole trace.
    pub trace_hash: u64,
    /// The last lines, or all if asked for.
    pub trace: Vec<String>,
}

/// Runs one seed.
pub fn run(seed: u64, options: Options) -> Outcome {
    let mut world = world::World::new(seed, options);
    world.run();
    world.into_outcome()
}
