//! Runs a future that never has to wait, such as one over a store in memory, without a runtime.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Polls once.
///
/// # Panics
/// When the future is not ready: it waited for something, and nothing here would ever wake it.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a future over memory stores had to wait"),
    }
}
