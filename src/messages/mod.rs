//! Every sentence of the till, in every language it speaks. A missing one does not compile.
//!
//! Plain, short, no blame: what happened and what to do. A message with `{name}` in it is filled by [`fill`].

mod ar;
mod de;
mod en;

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

/// The table.
pub struct Messages {
    // The frame.
    pub menu: &'static str,
    pub sell: &'static str,
    pub history: &'static str,
    pub settings: &'static str,
    pub close: &'static str,
    pub back: &'static str,
    pub starting: &'static str,
    pub tagline: &'static str,
    // The lamp.
    pub connection: &'static str,
    pub lamp_checking: &'static str,
    pub lamp_online: &'static str,
    pub lamp_offline: &'static str,
    pub lamp_server: &'static str,
    pub lamp_acquirer: &'static str,
    // The sell screen.
    pub search: &'static str,
    pub categories: &'static str,
    pub items: &'static str,
    pub keypad: &'static str,
    pub no_hits: &'static str,
    pub no_items: &'static str,
    pub in_sale: &'static str,
    pub custom_amount: &'static str,
    pub add_amount: &'static str,
    pub add_nothing: &'static str,
    pub delete_digit: &'static str,
    // The sale.
    pub this_sale: &'static str,
    pub clear_sale: &'static str,
    pub sale_empty: &'static str,
    pub tax_included: &'static str,
    pub total: &'static str,
    pub charge: &'static str,
    pub swipe_hint: &'static str,
    pub one_more: &'static str,
    pub one_less: &'static str,
    pub remove: &'static str,
    pub show_sale: &'static str,
    pub hide_sale: &'static str,
    pub items_n: &'static str,
    pub sale_too_long: &'static str,
    pub amount_too_large: &'static str,
    // What waits.
    pub stored_n: &'static str,
    pub hours_left: &'static str,
    pub minutes_left: &'static str,
    pub window_over: &'static str,
    pub send_now: &'static str,
    pub sending: &'static str,
    pub sent_all: &'static str,
    pub sent_none: &'static str,
    // Taking the card.
    pub take_payment: &'static str,
    pub swipe_or_key: &'static str,
    pub key_in: &'static str,
    pub key_in_say: &'static str,
    pub stored_ahead: &'static str,
    pub card_number: &'static str,
    pub digits_typed: &'static str,
    pub expiry: &'static str,
    pub expiry_shape: &'static str,
    pub one_moment: &'static str,
    pub sale_needed: &'static str,
    // What is wrong with a card, and what to do.
    pub card_too_short: &'static str,
    pub card_too_long: &'static str,
    pub card_mistyped: &'static str,
    pub expiry_mistyped: &'static str,
    pub card_expired: &'static str,
    pub card_not_for_goods: &'static str,
    pub card_brand: &'static str,
    pub card_unreadable: &'static str,
    pub tracks_differ: &'static str,
    // What the shop's policy refuses while offline.
    pub above_payment: &'static str,
    pub above_keyed: &'static str,
    pub above_total: &'static str,
    pub too_many: &'static str,
    pub no_key: &'static str,
    // Outcomes: one word, and the sentence to say aloud.
    pub approved: &'static str,
    pub stored: &'static str,
    pub declined: &'static str,
    pub not_stored: &'static str,
    pub approved_say: &'static str,
    pub stored_say: &'static str,
    pub declined_say: &'static str,
    pub storage_full: &'static str,
    pub storage_broken: &'static str,
    pub storage_mismatch: &'static str,
    pub unsure_say: &'static str,
    pub receipt: &'static str,
    pub new_sale: &'static str,
    pub another_card: &'static str,
    pub back_to_sale: &'static str,
    pub card_ending: &'static str,
    pub swiped: &'static str,
    pub keyed: &'static str,
    // The bank's reasons, by groups of ISO 8583 field 39.
    pub why_call: &'static str,
    pub why_keep: &'static str,
    pub why_number: &'static str,
    pub why_funds: &'static str,
    pub why_expired: &'static str,
    pub why_pin: &'static str,
    pub why_not_allowed: &'static str,
    pub why_limit: &'static str,
    pub why_restricted: &'static str,
    pub why_unreachable: &'static str,
    pub why_other: &'static str,
    // The receipt.
    pub receipt_number: &'static str,
    pub print: &'static str,
    pub receipt_paid: &'static str,
    pub receipt_stored: &'static str,
    pub receipt_stored_say: &'static str,
    pub receipt_declined: &'static str,
    pub approval: &'static str,
    // History.
    pub history_search: &'static str,
    pub history_empty: &'static str,
    pub history_no_hits: &'static str,
    pub history_pick: &'static str,
    pub waiting_here: &'static str,
    pub payments: &'static str,
    pub state_stored: &'static str,
    pub state_received: &'static str,
    pub state_working: &'static str,
    pub state_captured: &'static str,
    pub state_declined: &'static str,
    pub state_expired: &'static str,
    pub state_quarantined: &'static str,
    pub say_stored: &'static str,
    pub say_received: &'static str,
    pub say_expired: &'static str,
    pub say_quarantined: &'static str,
    pub lines: &'static str,
    pub timeline: &'static str,
    pub step_taken_offline: &'static str,
    pub step_taken_online: &'static str,
    pub step_received: &'static str,
    pub step_charged: &'static str,
    pub details: &'static str,
    pub number: &'static str,
    pub card: &'static str,
    pub device: &'static str,
    pub payment_id: &'static str,
    pub code: &'static str,
    // Settings.
    pub appearance: &'static str,
    pub theme_system: &'static str,
    pub theme_light: &'static str,
    pub theme_dark: &'static str,
    pub language: &'static str,
    pub this_tablet: &'static str,
    pub shop: &'static str,
    pub device_number: &'static str,
    pub device_id: &'static str,
    pub version: &'static str,
    pub storage: &'static str,
    pub storage_kept: &'static str,
    pub storage_evictable: &'static str,
    pub storage_unknown: &'static str,
    pub key_set: &'static str,
    pub key_set_version: &'static str,
    pub none_yet: &'static str,
    pub server: &'static str,
    pub bank: &'static str,
    pub reached: &'static str,
    pub not_reached: &'static str,
    pub unknown: &'static str,
    pub waiting: &'static str,
    pub nothing_waits: &'static str,
    pub server_time: &'static str,
    pub install: &'static str,
    pub check_now: &'static str,
    pub update: &'static str,
    // Enrolment.
    pub enrol_title: &'static str,
    pub enrol_say: &'static str,
    pub enrol_code: &'static str,
    pub enrol_name: &'static str,
    pub enrol_name_default: &'static str,
    pub enrol: &'static str,
    pub enrolling: &'static str,
    pub enrol_or: &'static str,
    pub use_demo: &'static str,
    pub enrol_refused: &'static str,
    pub enrol_unreachable: &'static str,
    pub enrol_failed: &'static str,
    // When the till cannot work here.
    pub blocked_title: &'static str,
    pub blocked_say: &'static str,
    pub try_again: &'static str,
    pub revoked: &'static str,
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
            receipt_number receipt_stored_say approval history_no_hits say_stored say_quarantined key_set_version)
    }
}
