//! One file per screen.

pub mod blocked;
pub mod enrol;
pub mod history;
pub mod lock;
pub mod payment;
pub mod receipt;
pub mod result;
pub mod sell;
pub mod settings;
pub mod tender;
