//! The second factor: time-based one-time passwords (RFC 6238) of six digits, 30 seconds, HMAC-SHA-1, which is what every
//! authenticator app does. Fifteen lines over the HMAC that is here already; see docs/decisions/people-and-doors.md.

use super::PeopleError;
use aws_lc_rs::hmac;
use holdfast_core::time::UnixMs;
use subtle::ConstantTimeEq as _;

const STEP_MS: i64 = 30_000;
/// 160 bits, as RFC 4226 section 4 asks for.
pub const SECRET_BYTES: usize = 20;
/// Codes of the step before and the one after are taken too: clocks differ, and people type slowly.
const STEPS_AROUND: i64 = 1;

/// A fresh secret.
///
/// # Errors
/// When the system gives no random numbers.
pub fn make_secret() -> Result<[u8; SECRET_BYTES], PeopleError> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|_| PeopleError::Random)?;
    Ok(secret)
}

/// The step of a code that is right now and was not used yet: it must be later than `last_step`.
pub fn step_of(secret: &[u8], code: &str, now_ms: UnixMs, last_step: i64) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let now = now_ms.div_euclid(STEP_MS);
    // All are compared, so that time tells nothing.
    let mut found = None;
    for step in now - STEPS_AROUND..=now + STEPS_AROUND {
        let is_right = bool::from(self::code(secret, step).as_bytes().ct_eq(code.as_bytes()));
        if is_right && step > last_step {
            found = Some(step);
        }
    }
    found
}

/// The code of the moment.
pub fn code_at(secret: &[u8], now_ms: UnixMs) -> String {
    code(secret, now_ms.div_euclid(STEP_MS))
}

fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    // RFC 4226 section 5.3: the last half byte says where to read.
    let at = usize::from(tag[tag.len() - 1] & 0x0f);
    let word = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

/// What an authenticator app reads from the picture (the key URI format that all of them share).
pub fn uri(secret: &[u8], email: &str) -> String {
    format!("otpauth://totp/Holdfast:{}?secret={}&issuer=Holdfast", escaped(email), base32(secret))
}

/// RFC 4648 section 6, without padding, for those who type it.
pub fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    bytes
        .chunks(5)
        .flat_map(|chunk| {
            let mut group = [0; 8];
            group[3..3 + chunk.len()].copy_from_slice(chunk);
            let group = u64::from_be_bytes(group);
            let digits = (chunk.len() * 8).div_ceil(5);
            (0..digits).map(move |digit| char::from(ALPHABET[(group >> (35 - 5 * digit)) as usize & 31]))
        })
        .collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, the last six of its eight digits.
    #[test]
    fn the_rfcs_codes() {
        let secret = b"12345678901234567890";
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(secret, second * 1000), code, "{second}");
        }
    }

    #[test]
    fn a_code_works_once_and_a_step_around_its_time() {
        let secret = make_secret().expect("makes");
        let now_ms = 1_795_446_015_000;
        let code = code_at(&secret, now_ms);
        let step = step_of(&secret, &code, now_ms, 0).expect("is right");
        assert_eq!(step_of(&secret, &code, now_ms, step), None, "used");
        assert_eq!(step_of(&secret, &format!("{} {}", &code[..3], &code[3..]), now_ms, 0), Some(step));
        assert_eq!(step_of(&secret, &code, now_ms + STEP_MS, 0), Some(step));
        assert_eq!(step_of(&secret, &code, now_ms - STEP_MS, 0), Some(step));
        assert_eq!(step_of(&secret, "", now_ms, 0), None);
        assert_eq!(step_of(&secret, &format!("{code}0"), now_ms, 0), None);
    }

    /// RFC 4648 section 10.
    #[test]
    fn the_rfcs_base32() {
        for (plain, text) in
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB")]
        {
            assert_eq!(base32(plain.as_bytes()), text);
        }
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(
            uri(b"foobar", "a b@c.example"),
            "otpauth://totp/Holdfast:a%20b@c.example?secret=MZXW6YTBOI&issuer=Holdfast"
        );
    }
}
