//! holdfast-testkit.
