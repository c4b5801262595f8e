//! Page and server agree: the good path of every message, and what each side refuses.

mod bad_input;
mod limits;
mod payments;
mod set_up;
