//! holdfast-web.
