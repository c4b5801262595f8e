//! The domain of Holdfast and every decision it takes.
//!
//! Nothing here does IO, reads a clock or draws a random number: time and randomness are arguments, requests go out as
//! values and their answers come back as values. So the page, the service worker, the server and the simulation all run
//! the very same code.

pub mod books;
pub mod card;
pub mod cart;
pub mod catalogue;
pub mod connectivity;
pub mod id;
pub mod keys;
pub mod limits;
pub mod money;
pub mod outbox;
pub mod payment;
pub mod policy;
pub mod settlement;
pub mod staff;
pub mod time;
pub mod tip;
pub mod webhook;
pub mod wedge;
