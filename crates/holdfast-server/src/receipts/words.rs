//! What receipts say, in the languages of the till. A missing sentence does not compile.

use serde::Serialize;

/// A language of receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    En,
    De,
    Ar,
}

impl Lang {
    /// The language of a BCP 47 tag, or of a list of them; English for any other.
    pub fn of(tag: &str) -> Self {
        match tag.trim_start().get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("de") => Self::De,
            Some("ar") => Self::Ar,
            _ => Self::En,
        }
    }

    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Ar => "ar",
        }
    }

    /// The direction of its script.
    pub fn direction(self) -> &'static str {
        match self {
            Self::Ar => "rtl",
            Self::En | Self::De => "ltr",
        }
    }

    pub fn words(self) -> &'static Words {
        match self {
            Self::En => &EN,
            Self::De => &DE,
            Self::Ar => &AR,
        }
    }
}

/// Every sentence.
#[derive(Debug, Serialize)]
pub struct Words {
    pub receipt: &'static str,
    pub total: &'static str,
    pub tax: &'static str,
    pub tip: &'static str,
    pub served_by: &'static str,
    pub card: &'static str,
    pub stored: &'static str,
    pub stored_say: &'static str,
    pub processing: &'static str,
    pub processing_say: &'static str,
    pub paid: &'static str,
    pub paid_say: &'static str,
    pub declined: &'static str,
    pub expired: &'static str,
    pub on_hold: &'static str,
    pub not_charged_say: &'static str,
    pub on_hold_say: &'static str,
    pub voided: &'static str,
    pub voided_say: &'static str,
    pub refunded: &'static str,
    pub part_refunded: &'static str,
    pub refunded_say: &'static str,
    pub look_again: &'static str,
    pub look_again_say: &'static str,
    pub live: &'static str,
    pub live_say: &'static str,
    pub unknown: &'static str,
    pub unknown_say: &'static str,
    pub subject: &'static str,
    pub live_receipt: &'static str,
    pub earlier: &'static str,
    pub pay_again_say: &'static str,
    pub pay_here_say: &'static str,
    pub pay: &'static str,
    pub pay_now: &'static str,
    pub pay_number: &'static str,
    pub pay_expiry: &'static str,
    pub pay_expiry_hint: &'static str,
    pub pay_safe: &'static str,
    pub pay_sending: &'static str,
    pub pay_bad_number: &'static str,
    pub pay_bad_expiry: &'static str,
    pub pay_offline: &'static str,
    pub pay_again: &'static str,
    pub pay_later: &'static str,
}

const EN: Words = Words {
    receipt: "Receipt",
    total: "Total",
    tax: "Tax included",
    tip: "Tip",
    served_by: "Served by {name}",
    card: "{brand} ending {last4}",
    stored: "Payment stored",
    stored_say: "Not charged yet. It will be charged by {time}.",
    processing: "Being processed",
    processing_say: "The card’s bank has been asked. This takes a moment.",
    paid: "Paid by card",
    paid_say: "Charged on {time}.",
    declined: "Declined: not paid",
    expired: "Too late: not charged",
    on_hold: "On hold: not charged",
    not_charged_say: "Your card was not charged. Please ask the shop how to pay.",
    on_hold_say: "Your card was not charged. The shop looks into it.",
    voided: "Cancelled",
    voided_say: "This payment was cancelled. Your card is not charged.",
    refunded: "Refunded",
    part_refunded: "Refunded in part",
    refunded_say: "{amount} goes back to the card. Banks take some days to show it.",
    look_again: "Look again",
    look_again_say: "This page shows where the payment stands whenever you open it.",
    live: "Open the live receipt",
    live_say: "It always shows where this payment stands.",
    unknown: "No receipt here",
    unknown_say: "Check the address, or ask the shop. A receipt that was just printed may need a moment.",
    subject: "{shop}: receipt {number}",
    live_receipt: "Live receipt",
    earlier: "{card}: not paid",
    pay_again_say: "Your card was not charged. You can pay by card on this receipt’s page, or ask the shop.",
    pay_here_say: "Your card was not charged. You can pay here, or ask the shop.",
    pay: "Pay by card",
    pay_now: "Pay {amount}",
    pay_number: "Card number",
    pay_expiry: "Valid until",
    pay_expiry_hint: "MM/YY",
    pay_safe: "Your card is encrypted in this browser. Nobody sees its number on the way.",
    pay_sending: "Your payment is on its way. Please keep this page open.",
    pay_bad_number: "Check the card number: a digit is wrong or missing.",
    pay_bad_expiry: "Check the date on the card: month and year, as 09/28.",
    pay_offline: "There is no connection. Your payment is kept here and sent once only.",
    pay_again: "Try again",
    pay_later: "This cannot be paid here now. Please ask the shop.",
};

const DE: Words = Words {
    receipt: "Beleg",
    total: "Summe",
    tax: "Enthaltene Steuer",
    tip: "Trinkgeld",
    served_by: "Es bediente Sie {name}",
    card: "{brand} mit Endziffern {last4}",
    stored: "Zahlung gespeichert",
    stored_say: "Noch nicht gebucht. Gebucht wird bis {time}.",
    processing: "In Bearbeitung",
    processing_say: "Die Bank der Karte ist gefragt. Das dauert einen Augenblick.",
    paid: "Mit Karte bezahlt",
    paid_say: "Gebucht am {time}.",
    declined: "Abgelehnt: nicht bezahlt",
    expired: "Zu spät: nicht gebucht",
    on_hold: "Angehalten: nicht gebucht",
    not_charged_say: "Ihre Karte wurde nicht belastet. Bitte fragen Sie im Geschäft, wie Sie zahlen können.",
    on_hold_say: "Ihre Karte wurde nicht belastet. Das Geschäft kümmert sich darum.",
    voided: "Storniert",
    voided_say: "Diese Zahlung wurde storniert. Ihre Karte wird nicht belastet.",
    refunded: "Erstattet",
    part_refunded: "Teilweise erstattet",
    refunded_say: "{amount} gehen auf die Karte zurück. Banken brauchen einige Tage, um es zu zeigen.",
    look_again: "Noch einmal nachsehen",
    look_again_say: "Diese Seite zeigt bei jedem Öffnen, wo die Zahlung steht.",
    live: "Laufenden Beleg öffnen",
    live_say: "Er zeigt immer, wo diese Zahlung steht.",
    unknown: "Hier ist kein Beleg",
    unknown_say: "Prüfen Sie die Adresse oder fragen Sie im Geschäft. Ein eben gedruckter Beleg braucht vielleicht einen Augenblick.",
    subject: "{shop}: Beleg {number}",
    live_receipt: "Laufender Beleg",
    earlier: "{card}: nicht bezahlt",
    pay_again_say: "Ihre Karte wurde nicht belastet. Sie können auf der Seite dieses Belegs mit Karte zahlen oder im Geschäft fragen.",
    pay_here_say: "Ihre Karte wurde nicht belastet. Sie können hier zahlen oder im Geschäft fragen.",
    pay: "Mit Karte zahlen",
    pay_now: "{amount} zahlen",
    pay_number: "Kartennummer",
    pay_expiry: "Gültig bis",
    pay_expiry_hint: "MM/JJ",
    pay_safe: "Ihre Karte wird in diesem Browser verschlüsselt. Unterwegs sieht niemand die Nummer.",
    pay_sending: "Ihre Zahlung ist unterwegs. Bitte lassen Sie diese Seite offen.",
    pay_bad_number: "Prüfen Sie die Kartennummer: Eine Ziffer ist falsch oder fehlt.",
    pay_bad_expiry: "Prüfen Sie das Datum auf der Karte: Monat und Jahr, wie 09/28.",
    pay_offline: "Es gibt keine Verbindung. Ihre Zahlung bleibt hier und wird nur einmal gesendet.",
    pay_again: "Noch einmal versuchen",
    pay_later: "Das kann hier gerade nicht bezahlt werden. Bitte fragen Sie im Geschäft.",
};

const AR: Words = Words {
    receipt: "إيصال",
    total: "المجموع",
    tax: "الضريبة المشمولة",
    tip: "إكرامية",
    served_by: "خدمكم {name}",
    card: "{brand} تنتهي بـ {last4}",
    stored: "الدفع محفوظ",
    stored_say: "لم يُحصَّل بعد. سيُحصَّل قبل {time}.",
    processing: "قيد المعالجة",
    processing_say: "سُئل بنك البطاقة. يستغرق هذا لحظات.",
    paid: "دُفع بالبطاقة",
    paid_say: "حُصِّل في {time}.",
    declined: "مرفوض: غير مدفوع",
    expired: "متأخر: لم يُحصَّل",
    on_hold: "معلَّق: لم يُحصَّل",
    not_charged_say: "لم يُخصم من بطاقتك شيء. اسأل المتجر كيف يمكنك الدفع.",
    on_hold_say: "لم يُخصم من بطاقتك شيء. المتجر ينظر في الأمر.",
    voided: "ملغى",
    voided_say: "أُلغي هذا الدفع. لن يُخصم من بطاقتك شيء.",
    refunded: "رُدَّ المبلغ",
    part_refunded: "رُدَّ جزء من المبلغ",
    refunded_say: "يعود {amount} إلى البطاقة. تحتاج البنوك بضعة أيام لإظهاره.",
    look_again: "انظر مرة أخرى",
    look_again_say: "تُظهر هذه الصفحة حالة الدفع كلما فتحتها.",
    live: "افتح الإيصال المباشر",
    live_say: "يُظهر دائمًا حالة هذا الدفع.",
    unknown: "لا إيصال هنا",
    unknown_say: "تحقق من العنوان أو اسأل المتجر. قد يحتاج إيصال طُبع للتو إلى لحظات.",
    subject: "{shop}: إيصال {number}",
    live_receipt: "الإيصال المباشر",
    earlier: "{card}: لم يُدفع",
    pay_again_say: "لم يُخصم من بطاقتك شيء. يمكنك الدفع بالبطاقة على صفحة هذا الإيصال أو سؤال المتجر.",
    pay_here_say: "لم يُخصم من بطاقتك شيء. يمكنك الدفع هنا أو سؤال المتجر.",
    pay: "الدفع بالبطاقة",
    pay_now: "ادفع {amount}",
    pay_number: "رقم البطاقة",
    pay_expiry: "صالحة حتى",
    pay_expiry_hint: "شهر/سنة",
    pay_safe: "تُشفَّر بطاقتك في هذا المتصفح. لا يرى أحد رقمها في الطريق.",
    pay_sending: "دفعتك في الطريق. أبقِ هذه الصفحة مفتوحة من فضلك.",
    pay_bad_number: "تحقق من رقم البطاقة: رقم خاطئ أو ناقص.",
    pay_bad_expiry: "تحقق من التاريخ على البطاقة: الشهر والسنة، مثل 09/28.",
    pay_offline: "لا يوجد اتصال. دفعتك محفوظة هنا وتُرسل مرة واحدة فقط.",
    pay_again: "حاول مرة أخرى",
    pay_later: "لا يمكن الدفع هنا الآن. اسأل المتجر من فضلك.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_found_and_keep_their_placeholders() {
        for (tag, lang) in
            [("en-IE", Lang::En), ("de-AT", Lang::De), ("ar", Lang::Ar), ("fr", Lang::En), ("", Lang::En)]
        {
            assert_eq!(Lang::of(tag), lang, "{tag}");
        }
        for lang in [Lang::De, Lang::Ar] {
            let (english, other) = (serde_json::to_value(&EN), serde_json::to_value(lang.words()));
            let (english, other) = (english.expect("words"), other.expect("words"));
            for (name, text) in english.as_object().expect("fields") {
                let fields = |text: &serde_json::Value| text.as_str().unwrap_or_default().matches('{').count();
                assert_eq!(fields(text), fields(&other[name]), "{name}");
            }
        }
    }
}
