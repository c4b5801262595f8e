//! holdfast-contract-tests.
