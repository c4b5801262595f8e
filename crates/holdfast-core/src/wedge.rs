//! Hearing a swipe in a stream of key presses.
//!
//! A keyboard-wedge reader types the stripe as if on a US keyboard. The operating system then translates by whatever layout the tablet has, so
//! `;` may arrive as `ö` and `=` as a dead key. The physical key (`KeyboardEvent.code`) is not translated: we decode by it, and keep the translated
//! characters as a second opinion for devices that report no code. A start sentinel opens a capture, in which every key is
//! swallowed; Enter or a pause closes it.

use crate::card::{Card, TrackError, read_tracks};
use zeroize::Zeroizing;

/// A key press, as the browser tells it.
pub struct KeyPress<'a> {
    /// `KeyboardEvent.code`: the physical key, e.g. `Digit5`; may be empty.
    pub code: &'a str,
    /// `KeyboardEvent.key`: what the layout made of it, e.g. `%`.
    pub key: &'a str,
    pub shift: bool,
    /// Monotonic milliseconds.
    pub at_ms: i64,
}

/// What became of a key press.
#[derive(Debug)]
pub enum Heard {
    /// Not part of a swipe: let it do what it does.
    Pass,
    /// Part of a swipe (or perhaps one): keep it from the page.
    Swallow,
    /// A whole card.
    Swipe(Box<Card>),
    /// A swipe that could not be read.
    Unreadable(TrackError),
    /// A person typed a sentinel by hand: here is the text for whoever wanted it.
    Typed(String),
}

/// A reader types a character at least this often; a person cannot.
const GAP_MS_MAX: i64 = 250;
/// In the middle of a stripe a longer pause is the tablet's (a busy main thread), not the end of the swipe. After a swipe that broke off,
/// what still trickles in belongs to it: until it has been quiet for this long, no digit may reach the page.
const STALL_MS_MAX: i64 = 1_500;
/// A capture that is shorter than this was typed by a person.
const SWIPE_CHARS_MIN: usize = 8;
/// Both tracks have 79 + 40 characters; three with noise stay below this.
const CAPTURE_CHARS_MAX: usize = 400;

/// The listener's state.
#[derive(Default)]
pub struct Wedge {
    capture: Option<Capture>,
    /// A swipe broke off: keys are kept from the page until then.
    muted_until_ms: Option<i64>,
}

struct Capture {
    by_code: Zeroizing<String>,
    by_key: Zeroizing<String>,
    last_ms: i64,
}

impl Wedge {
    pub fn new() -> Self {
        Self::default()
    }

    /// How long after a swallowed key `idle` must be asked.
    pub const IDLE_MS: i64 = GAP_MS_MAX;

    /// Takes a key press.
    pub fn key(&mut self, press: &KeyPress<'_>) -> Heard {
        let stale = self.capture.take_if(|c| press.at_ms - c.last_ms > c.patience_ms());
        // `idle` should have closed it; a late timer must not glue two things together.
        let broke_off = stale.is_some_and(|c| c.is_swipe());
        if broke_off {
            self.muted_until_ms = Some(press.at_ms + STALL_MS_MAX);
        }
        let is_muted = self.muted_until_ms.is_some_and(|until| press.at_ms <= until);
        if !is_muted {
            self.muted_until_ms = None;
        }
        let by_code = us_char(press.code, press.shift);
        let by_key = single_char(press.key);
        match &mut self.capture {
            Some(_) if is_enter(press) => self.close(press.at_ms),
            Some(capture) => {
                capture.push(by_code, by_key, press.at_ms);
                Heard::Swallow
            }
            // Either opinion opens a capture: some readers and every browser driver send `%` without a Shift key.
            None if is_sentinel(by_code) || is_sentinel(by_key) => {
                let mut capture = Capture { by_code: buffer(), by_key: buffer(), last_ms: press.at_ms };
                capture.push(by_code, by_key, press.at_ms);
                self.capture = Some(capture);
                self.muted_until_ms = None;
                Heard::Swallow
            }
            None if broke_off => Heard::Unreadable(TrackError::Unreadable),
            None if is_muted => {
                self.muted_until_ms = (!is_enter(press)).then_some(press.at_ms + STALL_MS_MAX);
                Heard::Swallow
            }
            None => Heard::Pass,
        }
    }

    /// Says that time has passed without a key; closes a capture whose reader sends no Enter.
    pub fn idle(&mut self, now_ms: i64) -> Heard {
        match &self.capture {
            Some(c) if now_ms - c.last_ms >= c.patience_ms() => self.close(now_ms),
            Some(_) => Heard::Swallow,
            None => Heard::Pass,
        }
    }

    fn close(&mut self, at_ms: i64) -> Heard {
        let Some(capture) = self.capture.take() else { return Heard::Pass };
        if !capture.is_swipe() {
            return Heard::Typed(capture.by_key.to_string());
        }
        let read = (read_tracks(&capture.by_code), read_tracks(&capture.by_key));
        if !capture.has_end() && matches!(read, (Err(_), Err(_))) {
            self.muted_until_ms = Some(at_ms + STALL_MS_MAX);
        }
        match read {
            (Ok(card), _) | (Err(_), Ok(card)) => Heard::Swipe(Box::new(card)),
            (Err(TrackError::TracksDiffer), _) | (_, Err(TrackError::TracksDiffer)) => {
                Heard::Unreadable(TrackError::TracksDiffer)
            }
            (Err(error), Err(_)) => Heard::Unreadable(error),
        }
    }
}

impl Capture {
    /// Too long for a person's sentinel.
    fn is_swipe(&self) -> bool {
        self.by_code.chars().count().max(self.by_key.chars().count()) >= SWIPE_CHARS_MIN
    }

    /// Whether the last track came to its end sentinel.
    fn has_end(&self) -> bool {
        self.by_code.ends_with('?') || self.by_key.ends_with('?')
    }

    fn patience_ms(&self) -> i64 {
        if self.is_swipe() && !self.has_end() { STALL_MS_MAX } else { GAP_MS_MAX }
    }

    fn push(&mut self, by_code: Option<char>, by_key: Option<char>, at_ms: i64) {
        self.last_ms = at_ms;
        if self.by_code.len() < CAPTURE_CHARS_MAX {
            self.by_code.extend(by_code);
        }
        if self.by_key.len() < CAPTURE_CHARS_MAX {
            self.by_key.extend(by_key);
        }
    }
}

/// Room for the longest capture at once: a buffer that grows would leave unwiped copies behind.
fn buffer() -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(CAPTURE_CHARS_MAX + 4))
}

fn is_enter(press: &KeyPress<'_>) -> bool {
    press.key == "Enter" || press.code == "Enter" || press.code == "NumpadEnter"
}

fn is_sentinel(c: Option<char>) -> bool {
    matches!(c, Some('%' | ';'))
}

fn single_char(key: &str) -> Option<char> {
    let mut chars = key.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Some(c),
        _ => None,
    }
}

/// What a US keyboard prints for a physical key (UI Events KeyboardEvent code values).
fn us_char(code: &str, shift: bool) -> Option<char> {
    if let Some(letter) = code.strip_prefix("Key").and_then(single_char) {
        return Some(if shift { letter } else { letter.to_ascii_lowercase() });
    }
    if let Some(digit) = code.strip_prefix("Digit").and_then(single_char) {
        let shifted = match digit {
            '1' => '!',
            '2' => '@',
            '3' => '#',
            '4' => '$',
            '5' => '%',
            '6' => '^',
            '7' => '&',
            '8' => '*',
            '9' => '(',
            _ => ')',
        };
        return Some(if shift { shifted } else { digit });
    }
    if let Some(digit) = code.strip_prefix("Numpad").and_then(single_char).filter(char::is_ascii_digit) {
        return Some(digit);
    }
    let (plain, shifted) = match code {
        "Semicolon" => (';', ':'),
        "Equal" => ('=', '+'),
        "Slash" => ('/', '?'),
        "Period" => ('.', '>'),
        "Comma" => (',', '<'),
        "Minus" => ('-', '_'),
        "Quote" => ('\'', '"'),
        "Space" => (' ', ' '),
        _ => return None,
    };
    Some(if shift { shifted } else { plain })
}

#[cfg(test)]
mod tests {
    use super::*;

    const T2: &str = ";4242424242424242=30121011000012345678?";
    const BOTH: &str = "%B4242424242424242^LOVELACE/ADA^30121011000000000000?;4242424242424242=30121011000012345678?";

    fn us_code(c: char) -> (String, bool) {
        let (code, shift) = match c {
            'A'..='Z' => (format!("Key{c}"), true),
            '0'..='9' => (format!("Digit{c}"), false),
            ';' => ("Semicolon".into(), false),
            '=' => ("Equal".into(), false),
            '?' => ("Slash".into(), true),
            '/' => ("Slash".into(), false),
            '%' => ("Digit5".into(), true),
            '^' => ("Digit6".into(), true),
            _ => (String::new(), false),
        };
        (code, shift)
    }

    /// Types a stripe as a wedge does; `layout` says what the system makes of each character.
    fn swipe(wedge: &mut Wedge, text: &str, layout: impl Fn(char) -> String, codes: bool, enter: bool) -> Heard {
        let mut at_ms = 1_000;
        for c in text.chars() {
            let (code, shift) = us_code(c);
            let heard = wedge.key(&KeyPress { code: if codes { &code } else { "" }, key: &layout(c), shift, at_ms });
            assert!(matches!(heard, Heard::Swallow), "{c} was not swallowed");
            at_ms += 4;
        }
        if enter {
            wedge.key(&KeyPress { code: "Enter", key: "Enter", shift: false, at_ms })
        } else {
            wedge.idle(at_ms + GAP_MS_MAX)
        }
    }

    fn german(c: char) -> String {
        match c {
            ';' => "ö".into(),
            '=' => "Dead".into(),
            '?' => "_".into(),
            '/' => "-".into(),
            '^' => "&".into(),
            'Y' => "Z".into(),
            'Z' => "Y".into(),
            c => c.into(),
        }
    }

    #[test]
    fn a_swipe_is_heard_on_any_layout() {
        for (text, codes, enter) in [(T2, true, true), (BOTH, true, true), (T2, true, false), (BOTH, false, true)] {
            let layouts: [fn(char) -> String; 2] = [|c| c.to_string(), german];
            for layout in layouts.into_iter().take(if codes { 2 } else { 1 }) {
                let heard = swipe(&mut Wedge::new(), text, layout, codes, enter);
                assert!(
                    matches!(&heard, Heard::Swipe(card) if card.number.last4() == "4242"),
                    "{text} {codes} {enter}"
                );
            }
        }
    }

    #[test]
    fn a_reader_that_presses_no_shift_is_heard() {
        for text in [T2, BOTH] {
            let mut wedge = Wedge::new();
            for (i, c) in text.chars().enumerate() {
                let (code, _) = us_code(c);
                let press = KeyPress { code: &code, key: &c.to_string(), shift: false, at_ms: i as i64 };
                assert!(matches!(wedge.key(&press), Heard::Swallow), "{c} was not swallowed");
            }
            let heard = wedge.key(&KeyPress { code: "Enter", key: "Enter", shift: false, at_ms: 200 });
            assert!(matches!(heard, Heard::Swipe(card) if card.number.last4() == "4242"), "{text}");
        }
    }

    #[test]
    fn a_bad_swipe_says_so_and_the_next_one_works() {
        let mut wedge = Wedge::new();
        let heard = swipe(&mut wedge, ";4242424242424241=30121011000012345678?", |c| c.to_string(), true, true);
        assert!(matches!(heard, Heard::Unreadable(TrackError::Unreadable)));
        assert!(matches!(swipe(&mut wedge, T2, |c| c.to_string(), true, true), Heard::Swipe(_)));
    }

    /// Types `text` from `at_ms` on and says what was heard of each key.
    fn keys(wedge: &mut Wedge, text: &str, at_ms: i64) -> Vec<Heard> {
        let press = |(i, c): (usize, char)| {
            let (code, shift) = us_code(c);
            wedge.key(&KeyPress { code: &code, key: &c.to_string(), shift, at_ms: at_ms + i as i64 * 4 })
        };
        text.chars().enumerate().map(press).collect()
    }

    #[test]
    fn a_tablet_that_stalls_in_the_middle_of_a_swipe_still_hears_it() {
        let mut wedge = Wedge::new();
        let (start, rest) = T2.split_at(12);
        keys(&mut wedge, start, 0);
        assert!(matches!(wedge.idle(600), Heard::Swallow), "half a stripe is not the end");
        assert!(keys(&mut wedge, rest, 1_000).iter().all(|h| matches!(h, Heard::Swallow)));
        assert!(matches!(wedge.idle(2_000), Heard::Swipe(_)));
    }

    #[test]
    fn the_rest_of_a_swipe_that_broke_off_does_not_reach_the_page() {
        let (start, rest) = T2.split_at(12);
        let mut late = Wedge::new();
        keys(&mut late, start, 0);
        let heard = keys(&mut late, rest, 5_000);
        assert!(matches!(heard.first(), Some(Heard::Unreadable(_))), "the seller is told");
        assert!(heard[1..].iter().all(|h| matches!(h, Heard::Swallow)));
        let mut idled = Wedge::new();
        keys(&mut idled, start, 0);
        assert!(matches!(idled.idle(2_000), Heard::Unreadable(_)));
        assert!(keys(&mut idled, rest, 2_500).iter().all(|h| matches!(h, Heard::Swallow)));
        // Swiping again works at once, and after a quiet moment the keyboard is a keyboard again.
        keys(&mut idled, T2, 3_000);
        assert!(matches!(idled.idle(3_500), Heard::Swipe(_)));
        assert!(matches!(keys(&mut idled, "a", 9_000)[..], [Heard::Pass]));
    }

    #[test]
    fn a_person_who_types_a_percent_sign_gets_it_back() {
        let mut wedge = Wedge::new();
        assert!(matches!(wedge.key(&KeyPress { code: "Digit5", key: "%", shift: true, at_ms: 0 }), Heard::Swallow));
        assert!(matches!(wedge.idle(300), Heard::Typed(text) if text == "%"));
        assert!(matches!(wedge.key(&KeyPress { code: "KeyA", key: "a", shift: false, at_ms: 400 }), Heard::Pass));
    }

    #[test]
    fn a_barcode_is_no_swipe() {
        let mut wedge = Wedge::new();
        for (i, c) in "4006381333931".chars().enumerate() {
            let (code, shift) = us_code(c);
            let press = KeyPress { code: &code, key: &c.to_string(), shift, at_ms: i as i64 * 3 };
            assert!(matches!(wedge.key(&press), Heard::Pass));
        }
    }
}
