//! What page and worker tell each other: that the queue has changed.

use wasm_bindgen::prelude::*;
use web_sys::BroadcastChannel;

const CHANNEL: &str = "holdfast";
/// The one message there is.
pub const QUEUE_CHANGED: &str = "queue-changed";

/// Tells every page of this origin, and the worker. Does nothing where that cannot be told: they look by themselves now and then.
pub fn tell_queue_changed() {
    if let Ok(channel) = BroadcastChannel::new(CHANNEL) {
        let _ = channel.post_message(&QUEUE_CHANGED.into());
        channel.close();
    }
}

/// Calls back until it is dropped.
pub struct Subscription {
    channel: Option<BroadcastChannel>,
    _callback: Closure<dyn FnMut()>,
}

impl Subscription {
    pub(crate) fn new(callback: impl Fn() + 'static) -> Self {
        let callback = Closure::<dyn FnMut()>::new(callback);
        let channel = BroadcastChannel::new(CHANNEL).ok();
        if let Some(channel) = &channel {
            channel.set_onmessage(Some(callback.as_ref().unchecked_ref()));
        }
        Self { channel, _callback: callback }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(channel) = &self.channel {
            channel.set_onmessage(None);
            channel.close();
        }
    }
}
