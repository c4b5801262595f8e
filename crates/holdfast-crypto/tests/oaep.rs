//! Our own OAEP decoding, judged by Project Wycheproof's vectors. The bare RSA step, which a token would do, is the `rsa` crate's here.

use getrandom::SysRng;
use holdfast_crypto::envelope::oaep::{decode, oaep_sha256_content_key};
use holdfast_crypto::envelope::{OpenError, PublicCardKey, WrappedContentKey, make_card_key, rsa_oaep_unwrap};
use rsa::BoxedUint;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use wycheproof::rsa_oaep::{TestName, TestSet};
use wycheproof::{HashFunction, TestResult};
use zeroize::Zeroizing;

/// `c^d mod n` in as many bytes as the modulus has; `None` when the ciphertext is no number below it of that length.
fn raw(key: &rsa::PrivateKey, ciphertext: &[u8]) -> Option<Vec<u8>> {
    let bits = key.n().as_ref().bits_precision();
    let c = (ciphertext.len() == key.size()).then(|| BoxedUint::from_be_slice(ciphertext, bits).ok())??;
    let m = rsa::hazmat::rsa_decrypt::<SysRng>(None, key, &c).ok()?;
    let bytes = m.to_be_bytes();
    Some(bytes[bytes.len() - key.size()..].to_vec())
}

#[test]
fn every_vector_decodes_to_its_message_at_its_length_and_at_no_other() {
    let names =
        [TestName::Rsa2048Sha256Mgf1Sha256, TestName::Rsa3072Sha256Mgf1Sha256, TestName::Rsa4096Sha256Mgf1Sha256];
    let (mut opened, mut refused, mut first_octets) = (0, 0, 0);
    for name in names.into_iter().chain([TestName::RsaMisc]) {
        for group in TestSet::load(name).expect("the vectors load").test_groups {
            let is_ours = group.hash == HashFunction::Sha2_256 && group.mgf_hash == HashFunction::Sha2_256;
            let Ok(key) = rsa::PrivateKey::from_pkcs8_der(&group.pkcs8) else { continue };
            for test in group.tests.iter().filter(|_| is_ours) {
                let padded = raw(&key, &test.ct);
                // Every length that fits is tried, so this says as much as a decoder that finds the length by itself.
                let found: Vec<Vec<u8>> = (0..=key.size().saturating_sub(66))
                    .filter_map(|length| {
                        let (mut padded, mut message) = (padded.clone()?, vec![0; length]);
                        bool::from(decode(&mut padded, &test.label, &mut message)).then_some(message)
                    })
                    .collect();
                let name = format!("{} {:?}", test.tc_id, test.comment);
                match test.result {
                    TestResult::Valid => {
                        assert_eq!(found, [test.pt.to_vec()], "{name}");
                        opened += 1;
                    }
                    TestResult::Invalid => {
                        assert!(found.is_empty(), "{name}");
                        refused += 1;
                        first_octets += usize::from(test.comment == "First byte is 1");
                    }
                    TestResult::Acceptable => assert!(found.len() <= 1, "{name}"),
                }
            }
        }
    }
    println!(
        "wycheproof: our OAEP decoding: {opened} opened, {refused} refused, {first_octets} of them for the first octet"
    );
    assert!(opened > 0 && refused > 0 && first_octets > 0);
}

#[test]
fn a_content_key_comes_out_as_it_does_from_aws_lc() {
    let pair = make_card_key().expect("a key");
    let key = rsa::PrivateKey::from_pkcs8_der(pair.pkcs8.expose()).expect("the key again");
    let public = PublicCardKey::parse("card-1", &pair.n, &pair.e).expect("a public key");
    for _ in 0..8 {
        let wrapped = WrappedContentKey::make(&public, &mut SysRng).expect("a content key");
        let padded: [u8; 384] = raw(&key, wrapped.encrypted_key()).expect("decrypts").try_into().expect("384 bytes");
        let ours = oaep_sha256_content_key(Zeroizing::new(padded)).expect("is right");
        let theirs = rsa_oaep_unwrap(&pair.pkcs8, wrapped.encrypted_key()).expect("is right");
        assert!(ours.ct_eq(&theirs) && wrapped.is_for(&ours));
        for index in 0..padded.len() {
            let mut changed = padded;
            changed[index] ^= 1 << (index % 8);
            let result = oaep_sha256_content_key(Zeroizing::new(changed)).map(|_| ());
            assert_eq!(result, Err(OpenError::Refused), "byte {index}");
        }
    }
    for blank in [[0; 384], [0xff; 384]] {
        assert!(oaep_sha256_content_key(Zeroizing::new(blank)).is_err());
    }
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    for (padded, message) in [(0, 0), (65, 0), (66, 1), (384, 319)] {
        assert!(!bool::from(decode(&mut vec![0; padded], &[], &mut vec![0; message])), "{padded} {message}");
    }
}
