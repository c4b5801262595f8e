//! holdfast-service-worker.
