//! Keys at rest, ES256 and card fingerprints.

use getrandom::SysRng;
use holdfast_crypto::es256::{Es256Error, SigningKey, VerifyingKey};
use holdfast_crypto::keywrap::{KeyEncryptionKey, KeyWrapError};
use holdfast_crypto::pan_hmac::pan_hmac;
use holdfast_crypto::{SecretBytes, SecretString};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn kek() -> KeyEncryptionKey {
    let bytes = KeyEncryptionKey::make_bytes(&mut SysRng).expect("32 bytes");
    KeyEncryptionKey::load(&bytes).expect("loads")
}

#[test]
fn a_wrapped_key_opens_under_its_own_id_and_key_only() {
    let private_key = SecretBytes::from(b"a private key".as_slice());
    let kek = kek();
    let wrapped = kek.wrap("card-1", &private_key, &mut SysRng).expect("wraps");
    assert!(wrapped.starts_with(b"v1."));
    assert_eq!(wrapped.len(), 3 + 12 + 13 + 16);
    assert!(kek.unwrap("card-1", &wrapped).expect("unwraps").ct_eq(&private_key));

    let refused = |result: Result<SecretBytes, KeyWrapError>| assert_eq!(result.map(|_| ()), Err(KeyWrapError::Unwrap));
    refused(kek.unwrap("card-2", &wrapped));
    refused(self::kek().unwrap("card-1", &wrapped));
    refused(kek.unwrap("card-1", b""));
    refused(kek.unwrap("card-1", &wrapped[..20]));
    for index in 0..wrapped.len() {
        for bit in 0..8 {
            let mut changed = wrapped.clone();
            changed[index] ^= 1 << bit;
            refused(kek.unwrap("card-1", &changed));
        }
    }
}

#[test]
fn wrapping_twice_differs() {
    let private_key = SecretBytes::from(b"a private key".as_slice());
    let kek = kek();
    let wrap = || kek.wrap("card-1", &private_key, &mut SysRng).expect("wraps");
    assert_ne!(wrap(), wrap());
}

#[test]
fn a_key_encryption_key_has_32_bytes() {
    for length in [0, 16, 31, 33] {
        let result = KeyEncryptionKey::load(&SecretBytes::new(vec![1; length])).map(|_| ());
        assert_eq!(result, Err(KeyWrapError::KeyLength));
    }
}

#[test]
fn a_signature_verifies_until_anything_changes() {
    let (key, pkcs8) = SigningKey::make().expect("a key");
    let loaded = SigningKey::load(&pkcs8).expect("loads");
    assert_eq!(loaded.verifying_key(), key.verifying_key());
    let signature = loaded.sign(b"message").expect("signs");
    let public = VerifyingKey::parse(&key.verifying_key().x(), &key.verifying_key().y()).expect("parses");
    assert_eq!(public.verify(b"message", &signature), Ok(()));

    assert_eq!(public.verify(b"massage", &signature), Err(Es256Error::Signature));
    assert_eq!(public.verify(b"message", &signature[..63]), Err(Es256Error::Signature));
    assert_eq!(public.verify(b"message", &[0; 64]), Err(Es256Error::Signature));
    assert_eq!(public.verify(b"message", &[]), Err(Es256Error::Signature));
    for index in 0..signature.len() {
        let mut changed = signature;
        changed[index] ^= 1;
        assert_eq!(public.verify(b"message", &changed), Err(Es256Error::Signature), "byte {index}");
    }
    let (other, _) = SigningKey::make().expect("a key");
    assert_eq!(other.verifying_key().verify(b"message", &signature), Err(Es256Error::Signature));
}

#[test]
fn the_example_of_rfc_7515_verifies() {
    // RFC 7515 appendix A.3.
    let key = VerifyingKey::parse(
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    )
    .expect("parses");
    let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    use base64::Engine as _;
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    assert_eq!(key.verify(signed.as_bytes(), &signature), Ok(()));
    // Computed by npm jose 6 (calculateJwkThumbprint).
    assert_eq!(key.thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

#[test]
fn a_point_off_the_curve_is_no_key() {
    let good = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let zero = "A".repeat(43);
    for (x, y) in [
        (good.0, good.0),
        (good.1, good.0),
        (zero.as_str(), zero.as_str()),
        ("", ""),
        (good.0, "AAAA"),
        (&good.0[1..], good.1),
    ] {
        assert_eq!(VerifyingKey::parse(x, y), Err(Es256Error::PublicKey), "{x} {y}");
    }
}

#[test]
fn garbage_is_no_private_key() {
    assert_eq!(SigningKey::load(&SecretBytes::new(vec![0; 138])).map(|_| ()), Err(Es256Error::PrivateKey));
}

#[test]
fn a_card_fingerprint_is_hmac_sha_256() {
    // RFC 4231 test case 2.
    let mac = pan_hmac(&b"Jefe".as_slice().into(), &SecretString::from("what do ya want for nothing?"));
    assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

#[test]
fn keys_do_not_show() {
    let (key, pkcs8) = SigningKey::make().expect("a key");
    assert_eq!(format!("{key:?} {pkcs8:?} {:?}", kek()), "[secret] [secret] [secret]");
}

#[test]
fn keys_can_be_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<SigningKey>();
    check::<VerifyingKey>();
    check::<KeyEncryptionKey>();
    check::<SecretBytes>();
}
