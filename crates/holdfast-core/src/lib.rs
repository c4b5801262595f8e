//! holdfast-core.
