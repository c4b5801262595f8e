//! The keyboard: a card reader that types, and a person who types.
//!
//! One listener on the document, in the capture phase, sees every key before any control does. What the core's wedge
//! claims is kept from the page altogether, so a card's digits reach no input, no shortcut and no part of the DOM. What
//! is left goes to the till's shortcuts:
//!
//! | key | where | what it does |
//! |---|---|---|
//! | a letter | sell screen | goes to the search field |
//! | a digit | Keypad tab, keyed card | types it |
//! | Backspace | the same | takes the last digit back |
//! | Enter | sell screen | adds the only or first hit of a search; else opens the charge |
//! | Enter | keyed card | next field, or charge |
//! | Escape | anywhere | back: closes what is on top, empties the search |

use gloo_timers::callback::Timeout;
use holdfast_core::card::{Card, TrackError};
use holdfast_core::wedge::{Heard, KeyPress, Wedge};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{AddEventListenerOptions, Event, HtmlInputElement, KeyboardEvent};

/// What a reader brought.
pub enum Swipe {
    Card(Box<Card>),
    Unreadable(TrackError),
}

/// A key that a person pressed, and where.
pub struct Pressed {
    pub key: String,
    pub in_text: bool,
    /// On something that Enter and Space work by themselves.
    pub on_control: bool,
}

/// Begins to listen, for the life of the page. `on_key` says whether it used the key.
pub fn listen(on_swipe: impl Fn(Swipe) + 'static, on_key: impl Fn(&Pressed) -> bool + 'static) {
    let Some(document) = super::page::document() else { return };
    let listener = Rc::new(Listener {
        wedge: RefCell::new(Wedge::new()),
        timer: RefCell::new(None),
        on_swipe: Box::new(on_swipe),
        on_key: Box::new(on_key),
    });
    let options = AddEventListenerOptions::new();
    options.set_capture(true);
    let down = {
        let listener = Rc::clone(&listener);
        Closure::<dyn Fn(KeyboardEvent)>::new(move |event: KeyboardEvent| listener.down(&event))
    };
    let up = Closure::<dyn Fn(KeyboardEvent)>::new(move |event: KeyboardEvent| listener.up(&event));
    for (name, closure) in [("keydown", &down), ("keyup", &up)] {
        let _ = document.add_event_listener_with_callback_and_add_event_listener_options(
            name,
            closure.as_ref().unchecked_ref(),
            &options,
        );
    }
    down.forget();
    up.forget();
}

struct Listener {
    wedge: RefCell<Wedge>,
    timer: RefCell<Option<Timeout>>,
    on_swipe: Box<dyn Fn(Swipe)>,
    on_key: Box<dyn Fn(&Pressed) -> bool>,
}

impl Listener {
    fn down(self: &Rc<Self>, event: &KeyboardEvent) {
        if event.is_composing() || event.ctrl_key() || event.meta_key() {
            return;
        }
        let press = KeyPress {
            code: &event.code(),
            key: &event.key(),
            shift: event.shift_key(),
            at_ms: event.time_stamp() as i64,
        };
        let heard = self.wedge.borrow_mut().key(&press);
        match heard {
            Heard::Pass => {
                let (in_text, on_control) = place(event);
                if (self.on_key)(&Pressed { key: press.key.to_owned(), in_text, on_control }) {
                    event.prevent_default();
                    event.stop_propagation();
                }
            }
            heard => {
                keep_from_page(event);
                self.heard(heard);
            }
        }
    }

    /// Firefox clicks a focused button when Space comes up: a space in a card holder's name must not.
    fn up(&self, event: &KeyboardEvent) {
        if self.timer.borrow().is_some() {
            keep_from_page(event);
        }
    }

    fn heard(self: &Rc<Self>, heard: Heard) {
        self.timer.replace(None);
        match heard {
            Heard::Pass => {}
            Heard::Swallow => {
                let listener = Rc::clone(self);
                let delay_ms = u32::try_from(Wedge::IDLE_MS).unwrap_or(250) + 20;
                let timer = Timeout::new(delay_ms, move || {
                    let heard = listener.wedge.borrow_mut().idle(now_ms());
                    listener.heard(heard);
                });
                self.timer.replace(Some(timer));
            }
            Heard::Swipe(card) => (self.on_swipe)(Swipe::Card(card)),
            Heard::Unreadable(error) => (self.on_swipe)(Swipe::Unreadable(error)),
            Heard::Typed(text) => insert_into_focused(&text),
        }
    }
}

fn keep_from_page(event: &Event) {
    event.prevent_default();
    event.stop_immediate_propagation();
}

/// Whether the key went to a text field, and whether to something that takes Enter by itself.
fn place(event: &Event) -> (bool, bool) {
    let Some(target) = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else {
        return (false, false);
    };
    let tag = target.tag_name();
    (tag == "INPUT" || tag == "TEXTAREA", tag == "BUTTON" || tag == "A" || tag == "SELECT")
}

/// Gives back what a person typed and the wedge had taken for the start of a swipe.
fn insert_into_focused(text: &str) {
    let Some(input) = super::page::document().and_then(|d| d.active_element()) else { return };
    let Ok(input) = input.dyn_into::<HtmlInputElement>() else { return };
    input.set_value(&format!("{}{text}", input.value()));
    if let Ok(event) = Event::new_with_event_init_dict("input", &{
        let init = web_sys::EventInit::new();
        init.set_bubbles(true);
        init
    }) {
        let _ = input.dispatch_event(&event);
    }
}

fn now_ms() -> i64 {
    web_sys::window().and_then(|w| w.performance()).map_or(0, |p| p.now() as i64)
}
