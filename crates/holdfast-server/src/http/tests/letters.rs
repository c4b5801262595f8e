//! The shop's own letters in the back office: tried before they are kept, shown in a sandbox, in versions, and back to ours.

use super::*;
use crate::people::Role;

struct Office {
    house: House,
    token: String,
}

impl Office {
    async fn send(&self, method: &str, target: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("authorization", format!("Bearer {}", self.token))
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        self.house.send(request.body(Body::from(body)).expect("a request")).await
    }

    async fn page(&self) -> String {
        text(&self.send("GET", "/office/letters", &[]).await)
    }

    async fn keep(&self, subject: &str, text: &str, html: &str) -> Answer {
        self.send("POST", "/office/letters", &[("subject", subject), ("text", text), ("html", html)]).await
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("text")
}

async fn office() -> Office {
    let house = house(true).await;
    let merchant = house.server.ledger.first_merchant().await.expect("reads");
    let token = house.token("ada@example.com", Role::Owner, merchant).await;
    Office { house, token }
}

#[tokio::test]
async fn letters_are_tried_kept_in_versions_and_given_back() {
    let office = office().await;
    let merchant = office.house.server.ledger.first_merchant().await.expect("reads").expect("a shop");
    let page = office.page().await;
    assert!(page.contains("The server’s own letter is sent.") && page.contains("{{ t.subject }}"), "{page}");
    for (subject, words, html, said) in [
        ("Hello", "a\nb {{ recipt.number }}", "<p>", ["plain text, line 2", "recipt.number", "spelling"]),
        ("Hello", "x", "<p>\n\n{% if state.name %}", ["HTML, line 3", "syntax error", "brace that is not closed"]),
        ("Hello", "x", "{{ shop.name|shout }}", ["HTML, line 1", "shout", "Only the filters upper"]),
        ("{% set a = 1 %}", "x", "<p>", ["subject, line 1", "only if and for", "if and for alone"]),
        ("Hello", &"x".repeat(16_385), "<p>", ["plain text, line 1", "at most 16384 bytes", "shorter"]),
    ] {
        let answer = office.keep(subject, words, html).await;
        let page = text(&answer);
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
        for part in said {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(page.contains("This was not kept.") && page.contains("name=\"html\""), "what was typed is still there");
    }
    assert_eq!(office.house.server.ledger.mail_templates(merchant).await.expect("reads"), None);

    for subject in ["One {{ receipt.number }}", "Two {{ receipt.number }}"] {
        let kept = office.keep(subject, "Hi\r\nthere", "<p>{{ shop.name }}</p>").await;
        assert_eq!((kept.status, kept.header("location")), (StatusCode::SEE_OTHER, "/office/letters"));
    }
    let (version, templates) =
        office.house.server.ledger.mail_templates(merchant).await.expect("reads").expect("its own");
    assert_eq!(
        (version, templates.subject.as_str(), templates.text.as_str()),
        (2, "Two {{ receipt.number }}", "Hi\nthere")
    );
    office.send("POST", "/office/letters/1/again", &[]).await;
    assert!(office.page().await.contains("value=\"One {{ receipt.number }}\""));
    office.send("POST", "/office/letters/default", &[]).await;
    let page = office.page().await;
    assert!(page.contains("Version 4: the server’s own") && page.contains("{{ t.subject }}"), "{page}");
    let (version, templates) =
        office.house.server.ledger.mail_templates(merchant).await.expect("reads").expect("a version");
    assert_eq!((version, templates), (4, crate::mail::Templates::built_in()));
    for unknown in ["9", "x", "-1"] {
        let answer = office.send("POST", &format!("/office/letters/{unknown}/again"), &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
    }
}

#[tokio::test]
async fn a_preview_can_do_nothing_but_be_read() {
    let office = office().await;
    let page = office.send("GET", "/office/letters", &[]).await;
    assert!(page.header("content-security-policy").ends_with("; frame-src 'self'"));
    assert!(text(&page).contains("<iframe class=\"office-letter\" name=\"letter\" sandbox=\"\""));
    let hostile =
        "<script>alert(1)</script><img src=\"https://elsewhere.example/x\"><p>{{ shop.name }} {{ state.title }}</p>";
    let fields = [("subject", "S"), ("text", "Hello {{ receipt.total }}"), ("html", hostile), ("sample", "declined")];
    let preview = office.send("POST", "/office/letters/preview", &fields).await;
    assert_eq!((preview.status, preview.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    let policy = preview.header("content-security-policy");
    for wanted in ["default-src 'none'", "; sandbox;", "frame-ancestors 'self'", "form-action 'none'"] {
        assert!(policy.contains(wanted), "{policy}");
    }
    assert!(!policy.contains("script-src") && !policy.contains("allow-"), "{policy}");
    assert!(text(&preview).contains("Declined: not paid"));
    let as_text = office.send("POST", "/office/letters/preview", &[&fields[..], &[("part", "text")]].concat()).await;
    assert_eq!(
        (as_text.header("content-type"), text(&as_text).as_str()),
        ("text/plain; charset=utf-8", "S\n\nHello €12.60")
    );
    let wrong = [("subject", "S"), ("text", "x"), ("html", "<b>{{ <i>nothing</i> }}</b>")];
    let wrong = text(&office.send("POST", "/office/letters/preview", &wrong).await);
    assert!(wrong.contains("HTML, line 1") && wrong.contains("&lt;i&gt;"), "{wrong}");
}
