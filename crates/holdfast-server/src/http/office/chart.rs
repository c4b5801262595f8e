//! Pictures of figures, drawn on the server: columns side by side, and a share of a whole.

use maud::{Markup, html};

/// Widths in the picture's own units; it is stretched to the page's.
const SLOT: usize = 24;
const HEIGHT: i64 = 100;
/// Names under the columns that fit on a phone.
const NAMES_MAX: usize = 12;

/// A column: what it is called, what it says, how tall it is, and how tall it was before.
pub struct Column {
    pub name: String,
    pub words: String,
    pub is: i64,
    pub was: i64,
}

/// Columns side by side, what was before behind what is. `label` says all of it to whoever does not see it.
pub fn columns(columns: &[Column], label: &str) -> Markup {
    let most = columns.iter().flat_map(|column| [column.is, column.was]).max().unwrap_or(0).max(1);
    let tall = |value: i64| if value <= 0 { 0 } else { (value.saturating_mul(HEIGHT) / most).clamp(1, HEIGHT) };
    let every = columns.len().div_ceil(NAMES_MAX).max(1);
    html! {
        svg viewBox=(format!("0 0 {} {HEIGHT}", columns.len() * SLOT)) preserveAspectRatio="none" role="img" aria-label=(label) {
            @for (at, column) in columns.iter().enumerate() {
                g {
                    title { (column.words) }
                    rect x=(at * SLOT) y="0" width=(SLOT) height=(HEIGHT) fill="transparent" {}
                    rect.was x=(at * SLOT + 2) y=(HEIGHT - tall(column.was)) width=(SLOT - 4) height=(tall(column.was)) {}
                    rect.is x=(at * SLOT + 6) y=(HEIGHT - tall(column.is)) width=(SLOT - 12) height=(tall(column.is)) {}
                }
            }
        }
        div.office-axis aria-hidden="true" {
            @for (at, column) in columns.iter().enumerate() {
                span { @if at % every == 0 { (column.name) } }
            }
        }
    }
}

/// How much of `most` a value is, as a bar. What is there is never too small to be seen. For the eye only: the figure stands beside it.
pub fn share(value: i64, most: i64) -> Markup {
    const WIDTH: i64 = 200;
    let wide = if value <= 0 { 0 } else { (value.saturating_mul(WIDTH) / most.max(1)).clamp(2, WIDTH) };
    html! {
        svg.office-share viewBox=(format!("0 0 {WIDTH} 8")) preserveAspectRatio="none" aria-hidden="true" {
            rect x="0" y="0" width=(wide) height="8" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_proportion_and_the_least_is_seen() {
        let column = |is, was| Column { name: "09".into(), words: String::new(), is, was };
        let drawn = columns(&[column(1_000, 500), column(1, 0), column(-5, 0)], "Sales by hour").into_string();
        for part in [
            "y=\"0\" width=\"12\" height=\"100\"",
            "y=\"50\" width=\"20\" height=\"50\"",
            "y=\"99\" width=\"12\" height=\"1\"",
        ] {
            assert!(drawn.contains(part), "{part} in {drawn}");
        }
        assert!(columns(&[], "Nothing").into_string().contains("viewBox=\"0 0 0 100\""));
        assert!(share(1, i64::MAX).into_string().contains("width=\"2\""));
        assert!(share(i64::MAX, 1).into_string().contains("width=\"200\""));
    }
}
