//! Pictures that a camera reads.

use qrcode::QrCode;
use qrcode::render::svg;

/// `text` as an SVG element for a page, dark on light whatever the page's colours: that is what cameras expect.
pub fn svg(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let picture = code
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .dark_color(svg::Color("#000"))
        .light_color(svg::Color("#fff"))
        .build();
    // Inside a page there is no place for the declaration of an XML file.
    picture.find("<svg").map(|at| picture[at..].to_owned())
}
