//! holdfast-simulation.
