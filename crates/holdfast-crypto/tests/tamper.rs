//! Envelopes that were changed on the way, or made by somebody who knows the public key.

mod common;

use common::{
    KID, b64, card_key, content_key, forged, forged_with_key, header_json, keyed_card, opened, padded, plaintext_json,
    pos, sealed, secret_key,
};
use holdfast_crypto::envelope::{OpenError, Opened, parse, rsa_oaep_unwrap};

/// Opens an envelope of which only the encrypted key or only the rest was touched: RSA runs where it can matter.
fn opened_fast(bytes: &[u8], key_part_touched: bool, content_key: [u8; 32]) -> Result<Opened, OpenError> {
    let Ok(jwe) = std::str::from_utf8(bytes) else {
        return Err(OpenError::Unreadable("not text"));
    };
    let parsed = parse(jwe)?;
    if key_part_touched {
        let unwrapped = rsa_oaep_unwrap(&card_key().pkcs8, parsed.encrypted_key())?;
        return parsed.open(unwrapped);
    }
    parsed.open(secret_key(content_key))
}

#[test]
fn one_flipped_bit_anywhere_is_refused() {
    let jwe = sealed(&pos(), &keyed_card());
    let content_key = content_key(&jwe);
    assert!(opened_fast(jwe.as_bytes(), false, content_key).is_ok(), "the untouched envelope opens");
    assert!(opened_fast(jwe.as_bytes(), true, content_key).is_ok(), "the untouched envelope opens with RSA too");

    let dots: Vec<usize> = jwe.match_indices('.').map(|(index, _)| index).collect();
    let mut flips = 0;
    for index in 0..jwe.len() {
        let key_part_touched = (dots[0]..=dots[1]).contains(&index);
        for bit in 0..8 {
            let mut bytes = jwe.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            let result = opened_fast(&bytes, key_part_touched, content_key);
            assert!(result.is_err(), "bit {bit} of byte {index} was flipped and it opened");
            flips += 1;
        }
    }
    assert_eq!(flips, jwe.len() * 8);
    println!("envelope: {flips} flipped bits refused");
}

#[test]
fn one_flipped_bit_of_the_decoded_parts_is_refused_as_undecryptable() {
    let jwe = sealed(&pos(), &keyed_card());
    let content_key = content_key(&jwe);
    let parts: Vec<&str> = jwe.split('.').collect();
    use base64::Engine as _;
    for part in [2, 3, 4] {
        let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(parts[part]).expect("base64url");
        for index in 0..decoded.len() {
            for bit in 0..8 {
                let mut bytes = decoded.clone();
                bytes[index] ^= 1 << bit;
                let changed = b64(bytes);
                let mut parts = parts.clone();
                parts[part] = &changed;
                let result = opened_fast(parts.join(".").as_bytes(), false, content_key).map(|_| ());
                assert_eq!(result, Err(OpenError::Refused), "part {part}, byte {index}, bit {bit}");
            }
        }
    }
}

#[test]
fn a_part_from_another_envelope_is_refused() {
    let (one, two) = (sealed(&pos(), &keyed_card()), sealed(&pos(), &keyed_card()));
    let other: Vec<&str> = two.split('.').collect();
    for part in 1..5 {
        let mut parts: Vec<&str> = one.split('.').collect();
        parts[part] = other[part];
        assert_eq!(opened(&parts.join(".")).map(|_| ()), Err(OpenError::Refused), "part {part}");
    }
    let elsewhere = sealed(&holdfast_crypto::envelope::Pos { seq: 13, ..pos() }, &keyed_card());
    let mut parts: Vec<&str> = one.split('.').collect();
    parts[0] = elsewhere.split('.').next().expect("a header");
    assert_eq!(opened(&parts.join(".")).map(|_| ()), Err(OpenError::Refused));
}

#[test]
fn every_header_but_the_protocols_is_refused() {
    let check = |header: &str, holds: bool| {
        let result = opened(&forged(header, &padded(&plaintext_json()))).map(|_| ());
        let expected = if holds { Ok(()) } else { Err(OpenError::Unreadable("header")) };
        assert_eq!(result, expected, "{header}");
    };
    let good = header_json();
    check(&good, true);
    // Order and white space are the sender's; the bytes as sent are what is authenticated.
    let pos = serde_json::to_string(&pos()).expect("JSON");
    check(&format!(r#"{{ "pos":{pos},"kid":"{KID}", "enc":"A256GCM","alg":"RSA-OAEP-256" }}"#), true);

    for member in [
        r#""zip":"DEF""#,
        r#""jku":"https://example.com/keys""#,
        r#""jwk":{}"#,
        r#""x5u":"https://example.com/cert""#,
        r#""x5c":[]"#,
        r#""x5t":"AA""#,
        r##""x5t#S256":"AA""##,
        r#""crit":["exp"]"#,
        r#""typ":"JWE""#,
        r#""cty":"json""#,
        r#""epk":{}"#,
        r#""apu":"AA""#,
        r#""p2c":1000"#,
        r#""p2s":"AA""#,
        r#""iv":"AA""#,
        r#""tag":"AA""#,
        r#""b64":false"#,
        r#""":0"#,
        // The same member twice: two readers could believe two values.
        r#""alg":"RSA-OAEP-256""#,
        r#""kid":"card-2026-11-23""#,
    ] {
        check(&good.replacen('{', &format!("{{{member},"), 1), false);
        check(&format!("{},{member}}}", good.strip_suffix('}').expect("an object")), false);
    }
    for alg in [
        "RSA-OAEP",
        "RSA-OAEP-384",
        "RSA-OAEP-512",
        "RSA1_5",
        "dir",
        "A256KW",
        "ECDH-ES",
        "PBES2-HS256+A128KW",
        "none",
        "",
        "rsa-oaep-256",
    ] {
        check(&good.replace("RSA-OAEP-256", alg), false);
    }
    for enc in ["A128GCM", "A192GCM", "A128CBC-HS256", "A256CBC-HS512", "", "a256gcm"] {
        check(&good.replace("A256GCM", enc), false);
    }
    for (from, to) in [
        (r#""v":1"#, r#""v":2"#),
        (r#""v":1"#, r#""v":"1""#),
        (r#""seq":12"#, r#""seq":0"#),
        (r#""seq":12"#, r#""seq":-1"#),
        (r#""seq":12"#, r#""seq":12.5"#),
        (r#""amt":1060"#, r#""amt":0"#),
        (r#""amt":1060"#, r#""amt":-1060"#),
        (r#""amt":1060"#, r#""amt":1060,"amt":1"#),
        (r#""amt":1060"#, r#""amt":99999999999999999999"#),
        (r#""cur":"EUR""#, r#""cur":"eur""#),
        (r#""cur":"EUR","#, ""),
        (r#""ksv":7"#, r#""ksv":7,"tip":1"#),
        (KID, ""),
        (KID, "../card"),
    ] {
        assert!(good.contains(from));
        check(&good.replace(from, to), false);
    }
    for header in ["", "{}", "[]", "null", "{", &format!("{good} x"), &good.replacen('{', "{\u{feff}", 1)] {
        check(header, false);
    }
}

#[test]
fn what_is_not_five_exact_parts_is_refused() {
    let jwe = sealed(&pos(), &keyed_card());
    let parts: Vec<&str> = jwe.split('.').collect();
    for text in [
        String::new(),
        ".".repeat(4),
        ".".repeat(2000),
        parts[..4].join("."),
        format!("{jwe}."),
        format!(".{jwe}"),
        format!("{jwe}="),
        format!(" {jwe}"),
        format!("{jwe}\n"),
        "a".repeat(100_000),
    ] {
        assert!(matches!(opened(&text), Err(OpenError::Unreadable(_))), "{text:.40}");
    }
    for part in 1..5 {
        let shorter = &parts[part][..parts[part].len() - 4];
        let longer = format!("AAAA{}", parts[part]);
        for changed in ["", shorter, &longer] {
            let mut parts = parts.clone();
            parts[part] = changed;
            assert!(matches!(opened(&parts.join(".")), Err(OpenError::Unreadable(_))), "part {part}");
        }
    }
}

#[test]
fn a_plaintext_for_another_payment_is_refused() {
    let check = |json: &str, holds: bool| {
        let result = opened(&forged(&header_json(), &padded(json))).map(|_| ());
        assert_eq!(result, if holds { Ok(()) } else { Err(OpenError::Mismatch) }, "{json}");
    };
    let good = plaintext_json();
    check(&good, true);
    for (from, to) in [
        // Inside differs from outside.
        ("1060", "1061"),
        ("1060", "106"),
        ("EUR", "USD"),
        ("000000000001\"", "000000000002\""),
        // Not a card, or more than a card.
        (r#""pan":"4242424242424242","#, ""),
        ("4242424242424242", "4242 4242 4242 4242"),
        ("4242424242424242", r"424242424242424\u0032"),
        ("2812", "2813"),
        ("keyed", "contactless"),
        (r#""entry""#, r#""cvv":"123","entry""#),
        (r#""entry""#, r#""pin":"1234","entry""#),
        (r#""entry""#, r#""name":"","entry""#),
        (r#""entry""#, r#""track2":";4242?","entry""#),
        (r#""amt":1060"#, r#""amt":1060,"amt":1060"#),
        ("1060", "1060.0"),
        ("}", "}x"),
        ("}", "}{}"),
    ] {
        assert!(good.contains(from));
        check(&good.replacen(from, to, 1), false);
    }
    check("", false);
}

#[test]
fn a_content_key_of_another_length_looks_like_any_other_refusal() {
    for length in [0, 16, 24, 31, 33, 64] {
        let jwe = forged_with_key(&header_json(), &padded(&plaintext_json()), &vec![7; length]);
        assert_eq!(opened(&jwe).map(|_| ()), Err(OpenError::Refused), "{length}");
    }
}

#[test]
fn an_unpadded_plaintext_is_refused() {
    let jwe = forged(&header_json(), plaintext_json().as_bytes());
    assert_eq!(opened(&jwe).map(|_| ()), Err(OpenError::Unreadable("ciphertext")));
}
