//! What page and worker tell each other: that the queue has changed, or what the server says of this device.

use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

const CHANNEL: &str = "holdfast";
/// Something came into the queue or left it.
pub const QUEUE_CHANGED: &str = "queue-changed";
/// A row of the queue is another one under the same id: a void took its payment's place.
pub const ROW_REPLACED: &str = "row-replaced";
/// The server revoked this device, or takes its requests again.
pub const STANDING_CHANGED: &str = "standing-changed";

pub fn tell_queue_changed() {
    tell(QUEUE_CHANGED);
}

/// Tells every page of this origin, and the worker. Does nothing where that cannot be told: they look by themselves now and then.
pub(crate) fn tell(message: &str) {
    if let Ok(channel) = BroadcastChannel::new(CHANNEL) {
        let _ = channel.post_message(&message.into());
        channel.close();
    }
}

/// Calls back until it is dropped.
pub struct Subscription {
    channel: Option<BroadcastChannel>,
    _callback: Closure<dyn FnMut(MessageEvent)>,
}

impl Subscription {
    pub(crate) fn new(message: &'static str, callback: impl Fn() + 'static) -> Self {
        let callback = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if event.data().as_string().as_deref() == Some(message) {
                callback();
            }
        });
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
