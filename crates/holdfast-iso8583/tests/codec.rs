//! The codec against published examples, against itself, and against garbage.

use holdfast_iso8583::{
    DecodeError, Deframer, Dialect, DialectConfig, EncodeError, Framing, Kind, Length, LengthHeader, Message, Mti,
};
use proptest::prelude::*;

fn dialect(json: &str) -> Dialect {
    let config: DialectConfig = serde_json::from_str(json).expect("a description");
    Dialect::from_config(&config).expect("a dialect")
}

const BCD: &str = r#"{"mti":"bcd","numeric":"bcd","length":"bcd"}"#;
const HEX: &str = r#"{"bitmap":"hex","binary":"hex"}"#;
const ALL: [&str; 4] =
    ["{}", HEX, BCD, r#"{"mti":"bcd","bitmap":"hex","numeric":"bcd","length":"binary","filler":"right"}"#];

fn unhex(text: &str) -> Vec<u8> {
    let text: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex")).collect()
}

/// A terminal's request that a much-read question about ISO 8583 takes apart: type, bitmap and numbers packed.
#[test]
fn a_published_message_in_packed_digits() {
    let dialect = dialect(BCD);
    let bytes = unhex("0800 2020000000800000 000000 000001 3239313130303031");
    let message = dialect.decode(&bytes).expect("reads");
    assert_eq!(message.mti(), Mti::NETWORK);
    let fields: Vec<_> = message.fields().map(|number| (number, message.text(number).expect("text"))).collect();
    assert_eq!(fields, [(3, "000000"), (11, "000001"), (41, "29110001")]);
    assert_eq!(*dialect.encode(&message).expect("writes"), bytes);
}

/// The bitmap that encyclopaedias explain, and the one in an acquirer's public field description (Elavon, EISOP).
#[test]
fn published_bitmaps() {
    for (bitmap, fields) in [
        ("4210001102C04804", vec![2, 7, 12, 28, 32, 39, 41, 42, 50, 53, 62]),
        ("3034045928E18203", vec![3, 4, 11, 12, 14, 22, 26, 28, 29, 32, 35, 37, 41, 42, 43, 48, 49, 55, 63, 64]),
        ("C0000000000000010000000000000003", vec![2, 64, 127, 128]),
    ] {
        let dialect = dialect(HEX);
        let mut message = Message::new(Mti::NETWORK);
        for number in &fields {
            message.set(*number, sample(&dialect, *number));
        }
        let bytes = dialect.encode(&message).expect("writes");
        assert_eq!(&bytes[4..4 + bitmap.len()], bitmap.as_bytes());
        assert_eq!(dialect.decode(&bytes).expect("reads").fields().collect::<Vec<_>>(), fields);
    }
}

/// A shortest value that the field takes.
fn sample(dialect: &Dialect, number: u8) -> Vec<u8> {
    let spec = dialect.field(number).expect("a field");
    let len = match spec.length {
        Length::Fixed(len) => len,
        Length::Ll(_) | Length::Lll(_) => 1,
    };
    vec![if spec.kind == Kind::Binary { 0xA5 } else { b'1' }; len]
}

#[test]
fn padding_is_as_the_standard_says() {
    let dialect = Dialect::standard();
    let mut message = Message::new(Mti::AUTHORISATION);
    message.set(2, "4242424242424242").set(4, "1060").set(41, "T1").set(39, "00");
    let bytes = dialect.encode(&message).expect("writes");
    assert_eq!(
        &bytes[12..],
        b"164242424242424242000000001060\
00T1      "
    );
    let read = dialect.decode(&bytes).expect("reads");
    assert_eq!((read.text(4), read.text(41), read.trimmed(41)), (Some("000000001060"), Some("T1      "), Some("T1")));
}

#[test]
fn what_does_not_fit_is_refused_by_field() {
    let dialect = Dialect::standard();
    for (field, value, expected) in [
        (4, "1234567890123".to_owned(), EncodeError::TooLong(4)),
        (4, "10.60".to_owned(), EncodeError::Content(4)),
        (2, "4".repeat(20), EncodeError::TooLong(2)),
        (35, "4242D3012".to_owned(), EncodeError::Content(35)),
        (43, "Caf\u{e9}".to_owned(), EncodeError::Content(43)),
        (52, "1234".to_owned(), EncodeError::Content(52)),
        (65, "1".to_owned(), EncodeError::Unknown(65)),
    ] {
        let mut message = Message::new(Mti::AUTHORISATION);
        message.set(field, value);
        assert_eq!(dialect.encode(&message), Err(expected));
    }
    let mut long = Message::new(Mti::AUTHORISATION);
    for field in 105..=127 {
        long.set(field, [b'x'; 999]);
    }
    assert_eq!(dialect.encode(&long), Err(EncodeError::MessageTooLong));
}

#[test]
fn what_is_cut_off_or_too_long_is_refused() {
    let dialect = Dialect::standard();
    let mut message = Message::new(Mti::AUTHORISATION);
    message.set(2, "4242424242424242").set(70, "301");
    let bytes = dialect.encode(&message).expect("writes");
    for end in 0..bytes.len() {
        assert!(dialect.decode(&bytes[..end]).is_err(), "{end}");
    }
    let longer = [bytes.as_slice(), b"0"].concat();
    assert_eq!(dialect.decode(&longer), Err(DecodeError::Trailing));
    assert_eq!(dialect.decode(&[0; 9_000]), Err(DecodeError::TooLong));
}

#[test]
fn a_stream_is_taken_apart_in_any_pieces() {
    for header in [LengthHeader::Binary2, LengthHeader::Binary4, LengthHeader::Ascii4, LengthHeader::Bcd2] {
        for (counts_itself, prefix) in [(false, vec![]), (true, vec![]), (false, unhex("6000010000"))] {
            let framing = Framing { header, counts_itself, prefix: prefix.clone() };
            let messages: [&[u8]; 3] = [b"one", b"", &[7; 300]];
            let stream = messages.map(|message| framing.frame(message).expect("frames").to_vec()).concat();
            for piece in [1, 2, 7, stream.len()] {
                let mut deframer = Deframer::new(framing.clone());
                let mut found = Vec::new();
                for bytes in stream.chunks(piece) {
                    deframer.push(bytes);
                    while let Some(message) = deframer.next().expect("reads") {
                        found.push(message.to_vec());
                    }
                }
                assert_eq!(found, [b"one".to_vec(), vec![7; 300]], "{header:?} {piece}");
            }
        }
    }
    for (header, bytes) in
        [(LengthHeader::Ascii4, "30303a31"), (LengthHeader::Binary4, "00010000"), (LengthHeader::Bcd2, "0a00")]
    {
        let mut deframer = Deframer::new(Framing { header, ..Framing::default() });
        deframer.push(&unhex(bytes));
        assert!(deframer.next().is_err(), "{bytes}");
    }
}

/// Any message that fits the table, in any of the dialects.
fn message() -> impl Strategy<Value = (usize, Vec<(u8, Vec<u8>)>)> {
    let numbers = proptest::collection::btree_set(2_u8..=128, 0..12);
    (0..ALL.len(), numbers).prop_flat_map(|(at, numbers)| {
        let dialect = dialect(ALL[at]);
        let values: Vec<_> = numbers.into_iter().filter(|n| *n != 65).map(|number| value(&dialect, number)).collect();
        (Just(at), values)
    })
}

fn value(dialect: &Dialect, number: u8) -> BoxedStrategy<(u8, Vec<u8>)> {
    let spec = dialect.field(number).expect("a field");
    let (least, most) = match spec.length {
        Length::Fixed(len) => (len, len),
        Length::Ll(max) | Length::Lll(max) => (0, max.min(200)),
    };
    let byte = match spec.kind {
        Kind::Numeric => (b'0'..=b'9').boxed(),
        Kind::Track => prop_oneof![b'0'..=b'9', Just(b'=')].boxed(),
        Kind::Text => (0x20_u8..=0x7E).boxed(),
        Kind::Binary => any::<u8>().boxed(),
    };
    proptest::collection::vec(byte, least..=most).prop_map(move |value| (number, value)).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn what_is_written_is_read_again((at, fields) in message()) {
        let dialect = dialect(ALL[at]);
        let mut message = Message::new(Mti::FINANCIAL);
        for (number, value) in &fields {
            message.set(*number, value);
        }
        let bytes = dialect.encode(&message).expect("writes");
        prop_assert_eq!(dialect.decode(&bytes).expect("reads"), message);
    }

    #[test]
    fn garbage_is_refused_or_read_but_never_fatal(at in 0..ALL.len(), bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = dialect(ALL[at]).decode(&bytes);
        for header in [LengthHeader::Binary2, LengthHeader::Ascii4, LengthHeader::Bcd2] {
            let mut deframer = Deframer::new(Framing { header, counts_itself: true, prefix: vec![1; 5] });
            deframer.push(&bytes);
            while let Ok(Some(_)) = deframer.next() {}
        }
    }

    #[test]
    fn a_damaged_message_is_refused_or_read_but_never_fatal(
        (at, fields) in message(), place in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let dialect = dialect(ALL[at]);
        let mut message = Message::new(Mti::FINANCIAL);
        for (number, value) in &fields {
            message.set(*number, value);
        }
        let mut bytes = dialect.encode(&message).expect("writes").to_vec();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(read) = dialect.decode(&bytes) {
            let _ = dialect.encode(&read);
        }
    }
}
