//! Templates: what they may say, what stops them.

use super::*;
use crate::receipts::sample;
use holdfast_core::id::MerchantId;
use holdfast_core::limits::MAIL_TEMPLATE_BYTES_MAX;

const LINK: &str = "https://pay.shop.example/r/x";

fn html(source: &str) -> Result<String, TemplateError> {
    let mut merchant = crate::demo::shop(MerchantId::make([7; 16])).merchant;
    merchant.name = "A & <b>B</b>".to_owned();
    let templates = Templates { subject: "x".into(), text: "x".into(), html: source.into() };
    templates.render(&sample(&merchant, "captured"), LINK).map(|rendered| rendered.html)
}

#[test]
fn our_own_say_everything_in_every_language() {
    for (locale, word) in [("en-IE", "Paid by card"), ("de-DE", "Mit Karte bezahlt"), ("ar", "دُفع بالبطاقة")]
    {
        let mut merchant = crate::demo::shop(MerchantId::make([7; 16])).merchant;
        merchant.locale = locale.to_owned();
        let rendered = Templates::built_in().render(&sample(&merchant, "captured"), LINK).expect(locale);
        // A slash is escaped too, which every reader of HTML undoes.
        for part in [&rendered.text, &rendered.html.replace("&#x2f;", "/")] {
            for said in [word, "Flat white", "4242", "1-0042", LINK, "Harbour Street Café"] {
                assert!(part.contains(said), "{locale} {said}: {part}");
            }
        }
        assert!(rendered.subject.contains("1-0042") && !rendered.text.contains("\n\n\n"), "{}", rendered.text);
    }
}

#[test]
fn variables_are_text_and_only_the_documented_ones_are_there() {
    assert_eq!(html("{{ shop.name }}").as_deref(), Ok("A &amp; &lt;b&gt;B&lt;&#x2f;b&gt;"));
    assert_eq!(html("{{ receipt.lines|length }}{{ shop.name|upper|length }}").as_deref(), Ok("212"));
    for (source, line) in [
        ("\n{{ payment.id }}", 2),
        ("{{ words }}", 1),
        ("a\nb\n{{ shop.name|safe }}", 3),
        ("{{ range(9) }}", 1),
        ("\n\n{% if %}", 3),
        ("{% for l in receipt.lines %}", 1),
        ("{{ shop.name|replace('a', 'b') }}", 1),
        ("{% set a = 1 %}", 1),
        ("{{ 'a' * 1000000 }}", 1),
        ("{{ debug() }}", 1),
    ] {
        let error = html(source).expect_err(source);
        assert_eq!((error.part, error.line), ("html", line), "{source}: {error}");
    }
}

#[test]
fn no_template_runs_or_writes_without_end() {
    let nested = |depth: usize| {
        let (open, close) = ("{% for a in shop.name %}", "{% endfor %}");
        format!("{}x{}", open.repeat(depth), close.repeat(depth))
    };
    for source in [
        nested(6),
        nested(60),
        "x".repeat(MAIL_TEMPLATE_BYTES_MAX + 1),
        format!(
            "{{% for a in shop.name %}}{{% for b in shop.name %}}{}{{% endfor %}}{{% endfor %}}",
            "y".repeat(8_000)
        ),
        format!("{{{{ {}1{} }}}}", "(".repeat(5_000), ")".repeat(5_000)),
    ] {
        assert!(html(&source).is_err(), "{}", &source[..60.min(source.len())]);
    }
    // Long, and harmless: it need only come to an end.
    let _ = html(&format!("{{{{ {}1 }}}}", "not ".repeat(3_000)));
}
