//! The icon set: few, drawn for this till on a 24 px grid, and always beside a word or with a name.

use leptos::prelude::*;
use leptos::svg::{circle, g, path, rect, svg};

/// An icon is a list of strokes.
#[derive(Clone, Copy)]
pub struct Icon {
    strokes: &'static [&'static str],
    /// Points along the line of reading, and turns with it.
    directed: bool,
}

const fn still(strokes: &'static [&'static str]) -> Icon {
    Icon { strokes, directed: false }
}

pub const MENU: Icon = still(&["M4 7h16", "M4 12h16", "M4 17h10"]);
pub const SEARCH: Icon = still(&["M11 4.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z", "M16 16l4.5 4.5"]);
pub const CLOSE: Icon = still(&["M6 6l12 12", "M18 6L6 18"]);
pub const PLUS: Icon = still(&["M12 5v14", "M5 12h14"]);
pub const MINUS: Icon = still(&["M5 12h14"]);
pub const UP: Icon = still(&["M6 14.5l6-6l6 6"]);
pub const TICK: Icon = still(&["M5 12.8l4.6 4.7L19.5 7"]);
pub const CARD: Icon =
    still(&["M5 5.5h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2z", "M3 10h18", "M7 15h3"]);
pub const TILL: Icon = still(&["M5 4h14v9H5z", "M3.5 20.5l1.5-7.5h14l1.5 7.5z", "M9 17h6"]);
pub const CLOCK: Icon = still(&["M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17z", "M12 7.5V12l3 2"]);
pub const SLIDERS: Icon = still(&[
    "M4 8h8",
    "M18 8h2",
    "M15 5.4a2.6 2.6 0 1 0 0 5.2a2.6 2.6 0 0 0 0-5.2z",
    "M4 16h2",
    "M12 16h8",
    "M9 13.4a2.6 2.6 0 1 0 0 5.2a2.6 2.6 0 0 0 0-5.2z",
]);
/// Held fast: a weight on the ground. Stands for stored payments.
pub const HELD: Icon = still(&["M12 3v10", "M8 9.5l4 4l4-4", "M4 14v4.5a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V14"]);
pub const LOCK: Icon = still(&["M6 11h12v9H6z", "M8.5 11V8a3.5 3.5 0 0 1 7 0v3", "M12 15v2"]);
pub const PERSON: Icon = still(&["M12 4a4 4 0 1 0 0 8a4 4 0 0 0 0-8z", "M4.5 20.5c.8-4 3.7-6 7.5-6s6.700 2 7.500 6"]);
pub const DOTS: Icon = still(&["M6 12h.01", "M12 12h.01", "M18 12h.01"]);
pub const PRINTER: Icon = still(&[
    "M7 9V4h10v5",
    "M7 17H5a2 2 0 0 1-2-2v-4a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v4a2 2 0 0 1-2 2h-2",
    "M7 14h10v6H7z",
]);
/// Given up: nothing was taken, and nothing will be.
pub const VOIDED: Icon = still(&["M12 4.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 0 0 0-15z", "M6.8 6.8l10.4 10.4"]);
pub const WARNING: Icon = still(&["M12 4L2.8 19.5h18.4z", "M12 10v4.5", "M12 17.2v.01"]);
pub const BACK: Icon = Icon { strokes: &["M14.5 5.5L8 12l6.5 6.5"], directed: true };
/// Stands on keypads, which run from left to right in every language.
pub const ERASE: Icon = still(&["M9 5.5h10.5a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H9L3 12z", "M12 9.5l5 5", "M17 9.5l-5 5"]);
pub const SEND: Icon = still(&["M12 20V5", "M5.5 11L12 4.5l6.5 6.5"]);

/// Draws an icon. It is hidden from assistive technology: the word beside it speaks.
pub fn icon(icon: Icon) -> AnyView {
    let strokes = icon.strokes.iter().map(|d| path().attr("d", *d)).collect_view();
    let class = if icon.directed { "icon directed" } else { "icon" };
    svg().attr("class", class).attr("viewBox", "0 0 24 24").attr("aria-hidden", "true").child(strokes).into_any()
}

/// The big mark of an outcome: a disc with one stroke.
pub fn outcome_mark(stroke: &'static str) -> AnyView {
    svg()
        .attr("class", "result-mark")
        .attr("viewBox", "0 0 48 48")
        .attr("aria-hidden", "true")
        .child((circle().attr("cx", "24").attr("cy", "24").attr("r", "24"), path().attr("d", stroke)))
        .into_any()
}

/// The brand: an H that stands on a rock and holds it, as kelp does. The same strokes as in www/icons/mark.svg.
pub fn mark() -> AnyView {
    let strokes = MARK.iter().map(|d| path().attr("d", *d)).collect_view();
    svg()
        .attr("class", "mark")
        .attr("viewBox", "0 0 64 64")
        .attr("aria-hidden", "true")
        .child((
            g().attr("fill", "none")
                .attr("stroke", "currentColor")
                .attr("stroke-width", "7.5")
                .attr("stroke-linecap", "round")
                .child(strokes),
            path().attr("class", "mark-rock").attr("d", ROCK),
        ))
        .into_any()
}

const MARK: &[&str] = &["M18 7V28C18 42 13 49 6 54", "M46 7V28C46 42 51 49 58 54", "M18 27C24 34 40 34 46 27"];
const ROCK: &str = "M20 57.5a12 12 0 0 1 24 0z";

/// A card on its way through a reader: the stripe is in the groove, the arrows say where it goes.
pub fn swipe_picture() -> AnyView {
    let stroke = |d: &'static str| path().attr("d", d);
    let face = rect()
        .attr("class", "card-face")
        .attr("x", "36")
        .attr("y", "6")
        .attr("width", "128")
        .attr("height", "84")
        .attr("rx", "10");
    let chip = rect()
        .attr("class", "card-chip")
        .attr("x", "52")
        .attr("y", "24")
        .attr("width", "22")
        .attr("height", "17")
        .attr("rx", "4");
    let rail = rect()
        .attr("class", "rail")
        .attr("x", "0")
        .attr("y", "70")
        .attr("width", "240")
        .attr("height", "12")
        .attr("rx", "6");
    svg()
        .attr("class", "swipe-picture")
        .attr("viewBox", "0 0 240 84")
        .attr("aria-hidden", "true")
        .child((
            g().attr("class", "card").child((face, chip, stroke("M52 54h52"))),
            g().attr("class", "way").child((
                stroke("M186 36l9 9l-9 9"),
                stroke("M203 36l9 9l-9 9"),
                stroke("M220 36l9 9l-9 9"),
            )),
            rail,
        ))
        .into_any()
}
