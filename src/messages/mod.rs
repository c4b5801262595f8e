//! Every sentence of the till, in every language it speaks. A missing one does not compile.
//!
//! Plain, short, no blame: what happened and what to do. A message with `{name}` in it is filled by [`fill`].

#![cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "natively only the tests use them"))]

mod ar;
mod de;
mod en;
mod policy;
mod table;

pub use table::Messages;

/// A language of the till.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    #[default]
    En,
    De,
    Ar,
}

impl Lang {
    pub const ALL: [Self; 3] = [Self::En, Self::De, Self::Ar];

    /// The language of a BCP 47 tag such as `de-AT`, if the till speaks it.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        Self::ALL.into_iter().find(|l| l.tag() == primary)
    }

    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Ar => "ar",
        }
    }

    /// The language's name in itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
            Self::Ar => "العربية",
        }
    }

    /// The direction of its script, for `dir`.
    pub fn direction(self) -> &'static str {
        match self {
            Self::Ar => "rtl",
            Self::En | Self::De => "ltr",
        }
    }

    /// An amount inside a sentence: where the script runs from right to left, it is kept from being reordered with the words around it.
    /// Elsewhere nothing is added, so that names and labels are what they look like.
    pub fn embedded(self, amount: String) -> String {
        if self.direction() == "rtl" { format!("\u{2068}{amount}\u{2069}") } else { amount }
    }

    pub fn messages(self) -> &'static Messages {
        match self {
            Self::En => &en::MESSAGES,
            Self::De => &de::MESSAGES,
            Self::Ar => &ar::MESSAGES,
        }
    }
}

/// Puts values into a message: `fill("{count} stored", &[("count", "3")])`.
pub fn fill(message: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(message.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// A number, card or code inside a sentence: it keeps its own order in a script that runs the other way (Unicode UAX 9).
pub fn isolated(text: &str) -> String {
    format!("\u{2066}{text}\u{2069}")
}

impl Messages {
    /// The bank's reason for a decline (ISO 8583 field 39) in words that can be said aloud.
    pub fn decline_reason(&self, code: &str) -> &'static str {
        match code {
            "01" | "02" => self.why_call,
            "04" | "07" | "41" | "43" => self.why_keep,
            "14" => self.why_number,
            "51" => self.why_funds,
            "54" => self.why_expired,
            "55" | "75" => self.why_pin,
            "57" | "58" => self.why_not_allowed,
            "61" | "65" => self.why_limit,
            "62" => self.why_restricted,
            "91" | "92" | "96" => self.why_unreachable,
            _ => self.why_other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_found_by_tag() {
        for (tag, lang) in
            [("en-GB", Some(Lang::En)), ("de", Some(Lang::De)), ("AR_eg", Some(Lang::Ar)), ("tlh", None), ("", None)]
        {
            assert_eq!(Lang::from_tag(tag), lang, "{tag}");
        }
    }

    #[test]
    fn placeholders_are_filled() {
        assert_eq!(fill("{count} of {count}, {x}", &[("count", "3")]), "3 of 3, {x}");
    }

    /// A translation that lost a placeholder would lose an amount or a date.
    #[test]
    fn translations_keep_their_placeholders() {
        fn placeholders(text: &str) -> Vec<String> {
            let mut found: Vec<String> =
                text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(str::to_owned).collect();
            found.sort();
            found
        }
        for (name, english, others) in all() {
            for other in others {
                assert_eq!(placeholders(english), placeholders(other), "{name}");
                assert!(!other.trim().is_empty(), "{name}");
            }
        }
    }

    fn all() -> Vec<(&'static str, &'static str, [&'static str; 2])> {
        let (en, de, ar) = (Lang::En.messages(), Lang::De.messages(), Lang::Ar.messages());
        macro_rules! rows { ($($field:ident)*) => { vec![$((stringify!($field), en.$field, [de.$field, ar.$field])),*] } }
        rows!(in_sale no_hits add_amount items_n stored_n hours_left minutes_left digits_typed stored_say declined_say card_ending
            receipt_number receipt_stored_say approval history_no_hits say_stored say_missing say_quarantined key_set_version too_late_say
            on_hold_say no_since refund_sure refund_done refund_refused void_sure void_done void_refused retry_sure retry_done way_retry
            way_retry_from way_by_itself way_customer
            pin_of pin_wait wait_seconds wait_minutes demo_pins tip_of served_by refund_why).into_iter().chain(of_policy()).collect()
    }

    fn of_policy() -> Vec<(&'static str, &'static str, [&'static str; 2])> {
        let (en, de, ar) = (&policy::EN, &policy::DE, &policy::AR);
        macro_rules! rows { ($($field:ident)*) => { vec![$((stringify!($field), en.$field, [de.$field, ar.$field])),*] } }
        rows!(most manager_why manager_said bank_say at_risk_say kind install_why)
    }
}
