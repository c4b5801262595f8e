//! The three lamps in words: the network, the server, the bank.

use crate::messages::Messages;
use crate::state::payment::Tone;
use crate::state::till::Till;
use holdfast_core::connectivity::Lamp;
use leptos::html::{dd, div, dt, span};
use leptos::prelude::*;

pub fn lamps(till: Till) -> AnyView {
    let row = |id: &'static str, name: fn(&Messages) -> &'static str, read: fn(Till) -> Lamp, words: Words| {
        let lamp = move || read(till);
        div().class("fact").attr("data-lamp", id).attr("data-state", move || state(lamp())).child((
            dt().child(move || name(till.t())),
            dd().class("lamp-fact").attr("data-tone", move || tone(lamp()).name()).child((
                span().class("lamp-dot").attr("aria-hidden", "true"),
                span().child(move || words(lamp(), till.t())),
            )),
        ))
    };
    (
        row(
            "network",
            |t| t.policy.network,
            |t| t.lamps.get().three.network,
            |lamp, t| match lamp {
                Lamp::Up => t.policy.connected,
                Lamp::Down => t.policy.no_network,
                Lamp::Unknown => t.unknown,
            },
        ),
        row(
            "server",
            |t| t.server,
            |t| t.lamps.get().three.server,
            |lamp, t| match lamp {
                Lamp::Up => t.reached,
                Lamp::Down => t.not_reached,
                Lamp::Unknown => t.unknown,
            },
        ),
        row(
            "acquirer",
            |t| t.bank,
            |t| t.lamps.get().three.acquirer,
            |lamp, t| match lamp {
                Lamp::Up => t.reached,
                Lamp::Down => t.policy.bank_away,
                Lamp::Unknown => t.unknown,
            },
        ),
    )
        .into_any()
}

type Words = fn(Lamp, &Messages) -> &'static str;

fn state(lamp: Lamp) -> &'static str {
    match lamp {
        Lamp::Up => "up",
        Lamp::Down => "down",
        Lamp::Unknown => "unknown",
    }
}

/// Something that is away is a normal state: it is never red.
fn tone(lamp: Lamp) -> Tone {
    match lamp {
        Lamp::Up => Tone::Paid,
        Lamp::Down => Tone::Waiting,
        Lamp::Unknown => Tone::Plain,
    }
}
