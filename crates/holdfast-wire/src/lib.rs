//! holdfast-wire.
