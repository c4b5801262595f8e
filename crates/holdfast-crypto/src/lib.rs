//! holdfast-crypto.
