//! holdfast-server.
