//! A QR code, drawn by the page itself: it needs no network, and no markup from text.

use leptos::prelude::*;
use leptos::svg::{path, rect, svg};
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// Modules of white that a reader wants around the code (ISO/IEC 18004).
const QUIET: usize = 4;

/// The code of a text, if it is not too long for one. `name` is what a screen reader says.
pub fn qr(text: &str, name: impl Fn() -> &'static str + Send + 'static) -> Option<AnyView> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let mut dark = String::new();
    for (at, _) in colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        let _ = write!(dark, "M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET);
    }
    let size = width + 2 * QUIET;
    let ground = rect().attr("width", size.to_string()).attr("height", size.to_string()).attr("fill", "#fff");
    let picture = svg()
        .attr("class", "qr")
        .attr("viewBox", format!("0 0 {size} {size}"))
        .attr("role", "img")
        .attr("aria-label", name)
        .attr("shape-rendering", "crispEdges")
        .child((ground, path().attr("d", dark).attr("fill", "#000")));
    Some(picture.into_any())
}
