//! holdfast-browser-tests.
