//! Project Wycheproof's vectors against every implementation that touches an envelope: RSA-OAEP with SHA-256 and MGF1 with
//! SHA-256, and AES-256-GCM with a 96-bit vector, each in aws-lc-rs (the server) and in the pure Rust crates (the till).

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use getrandom::SysRng;
use holdfast_crypto::SecretBytes;
use holdfast_crypto::envelope::{OpenError, rsa_oaep_unwrap};
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::traits::{Decryptor as _, RandomizedEncryptor as _};
use sha2::Sha256;
use wycheproof::rsa_oaep::TestName;
use wycheproof::{HashFunction, TestResult, aead, rsa_oaep};

/// Whether an implementation did what the vector says: the plaintext for a valid one, a refusal for an invalid one.
fn agrees(result: TestResult, expected: &[u8], got: Option<&[u8]>) -> bool {
    match result {
        TestResult::Valid => got == Some(expected),
        TestResult::Invalid => got.is_none(),
        TestResult::Acceptable => got.is_none_or(|got| got == expected),
    }
}

/// Every RSA-OAEP group with SHA-256 in both places, from the sets of three sizes and the one of special cases.
fn oaep_groups() -> Vec<rsa_oaep::TestGroup> {
    [
        TestName::Rsa2048Sha256Mgf1Sha256,
        TestName::Rsa3072Sha256Mgf1Sha256,
        TestName::Rsa4096Sha256Mgf1Sha256,
        TestName::RsaMisc,
    ]
    .into_iter()
    .flat_map(|name| rsa_oaep::TestSet::load(name).expect("the vectors load").test_groups)
    .filter(|group| group.hash == HashFunction::Sha2_256 && group.mgf_hash == HashFunction::Sha2_256)
    .collect()
}

/// `None` for a key under 2048 bits, which aws-lc-rs refuses to load.
fn server_key(group: &rsa_oaep::TestGroup) -> Option<OaepPrivateDecryptingKey> {
    let key = PrivateDecryptingKey::from_pkcs8(&group.pkcs8);
    assert_eq!(key.is_ok(), group.key_size >= 2048, "{} bits", group.key_size);
    OaepPrivateDecryptingKey::new(key.ok()?).ok()
}

#[test]
fn rsa_oaep_of_the_server() {
    let mut sizes = std::collections::BTreeMap::<usize, usize>::new();
    for group in oaep_groups() {
        let Some(key) = server_key(&group) else { continue };
        for test in &group.tests {
            let mut buffer = vec![0; key.min_output_size()];
            let got = key.decrypt(&OAEP_SHA256_MGF1SHA256, &test.ct, &mut buffer, Some(&test.label)).ok();
            assert!(agrees(test.result, &test.pt, got.as_deref()), "{} {:?}", test.tc_id, test.comment);
            *sizes.entry(group.key_size).or_default() += 1;
        }
    }
    println!("wycheproof: RSA-OAEP-256, aws-lc-rs: vectors by key size {sizes:?}");
    for size in [2048, 3072, 4096] {
        assert!(sizes.get(&size).is_some_and(|count| *count > 0), "{size}");
    }
}

/// What the till really does with its crate is to encrypt, and encryption is random. So: whatever it encrypts of a valid
/// vector's message, under that vector's key and label, the server's library opens.
#[test]
fn rsa_oaep_encrypted_by_the_till_s_crate_opens_at_the_server() {
    let mut run = 0;
    for group in oaep_groups() {
        let (Some(server), Ok(till)) = (server_key(&group), rsa::PrivateKey::from_pkcs8_der(&group.pkcs8)) else {
            continue;
        };
        for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
            let key = rsa::oaep::EncryptingKey::<Sha256>::new_with_label(till.to_public_key(), test.label.to_vec());
            let ciphertext = key.encrypt_with_rng(&mut SysRng, &test.pt).expect("encrypts");
            let mut buffer = vec![0; server.min_output_size()];
            let got = server.decrypt(&OAEP_SHA256_MGF1SHA256, &ciphertext, &mut buffer, Some(&test.label)).ok();
            assert_eq!(got.as_deref(), Some(test.pt.as_slice()), "{} {:?}", test.tc_id, test.comment);
            run += 1;
        }
    }
    println!("wycheproof: RSA-OAEP-256, encrypted by rsa and opened by aws-lc-rs: {run} messages");
    assert!(run > 0);
}

/// The crate's decryption, which no product code calls. It ignores the first octet of the padded message, on purpose and
/// by its own tests; RFC 8017 section 7.1.2 step 3g wants it zero. Everything else must agree.
#[test]
fn rsa_oaep_of_the_till_s_crate() {
    let (mut run, mut first_octet, mut unloadable) = (0, 0, 0);
    for group in oaep_groups() {
        let Ok(key) = rsa::PrivateKey::from_pkcs8_der(&group.pkcs8) else {
            unloadable += group.tests.len();
            continue;
        };
        for test in &group.tests {
            let label = test.label.to_vec();
            let got = rsa::oaep::DecryptingKey::<Sha256>::new_with_label(key.clone(), label).decrypt(&test.ct).ok();
            if agrees(test.result, &test.pt, got.as_deref()) {
                run += 1;
                continue;
            }
            assert_eq!(test.comment, "First byte is 1", "{}", test.tc_id);
            first_octet += 1;
        }
    }
    println!(
        "wycheproof: RSA-OAEP-256, rsa: {run} vectors agree; {first_octet} of a non-zero first octet are known to differ; \
         {unloadable} have a key that the crate does not take"
    );
    assert!(run > 0);
}

#[test]
fn rsa_oaep_through_our_own_function() {
    let (mut opened, mut refused) = (0, 0);
    for group in oaep_groups().into_iter().filter(|group| group.key_size == 3072) {
        let key = SecretBytes::from(group.pkcs8.as_slice());
        for test in &group.tests {
            // A content key has 32 bytes and no label, so only such a vector may open.
            let may_open = test.result == TestResult::Valid && test.label.is_empty() && test.pt.len() == 32;
            match rsa_oaep_unwrap(&key, &test.ct) {
                Ok(content_key) if may_open => {
                    assert_eq!(content_key.expose().as_slice(), test.pt.as_slice(), "{}", test.tc_id);
                    opened += 1;
                }
                Err(OpenError::Refused) if !may_open => refused += 1,
                other => panic!("{} {:?}: {:?}", test.tc_id, test.comment, other.map(|_| ())),
            }
        }
    }
    println!("wycheproof: RSA-OAEP-256, rsa_oaep_unwrap: {opened} opened and {refused} refused as they should");
    assert!(opened > 0 && refused > 0);
}

#[test]
fn aes_256_gcm_of_both_sides() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).expect("the vectors load");
    let mut run = 0;
    for group in
        set.test_groups.iter().filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128))
    {
        for test in &group.tests {
            let name = format!("{} {:?}", test.tc_id, test.comment);
            let till = open_pure_rust(test);
            assert!(agrees(test.result, &test.pt, till.as_deref()), "aes-gcm opens {name}");
            let server = open_aws_lc(test);
            assert!(agrees(test.result, &test.pt, server.as_deref()), "aws-lc-rs opens {name}");
            if test.result == TestResult::Valid {
                let expected = [test.ct.as_slice(), &test.tag].concat();
                assert_eq!(seal_pure_rust(test), expected, "aes-gcm seals {name}");
                assert_eq!(seal_aws_lc(test), expected, "aws-lc-rs seals {name}");
            }
            run += 1;
        }
    }
    println!("wycheproof: AES-256-GCM with a 96-bit vector, aes-gcm and aws-lc-rs: {run} vectors each");
    assert!(run > 0);
}

fn nonce(test: &aead::Test) -> [u8; 12] {
    test.nonce.as_slice().try_into().expect("96 bits")
}

fn pure_rust(test: &aead::Test) -> Aes256Gcm {
    Aes256Gcm::new_from_slice(&test.key).expect("256 bits")
}

fn open_pure_rust(test: &aead::Test) -> Option<Vec<u8>> {
    let tag = <[u8; 16]>::try_from(test.tag.as_slice()).ok()?;
    let mut buffer = test.ct.to_vec();
    pure_rust(test)
        .decrypt_inout_detached(&nonce(test).into(), &test.aad, InOutBuf::from(&mut buffer[..]), &tag.into())
        .ok()?;
    Some(buffer)
}

fn seal_pure_rust(test: &aead::Test) -> Vec<u8> {
    let mut buffer = test.pt.to_vec();
    let tag = pure_rust(test)
        .encrypt_inout_detached(&nonce(test).into(), &test.aad, InOutBuf::from(&mut buffer[..]))
        .expect("seals");
    buffer.extend_from_slice(&tag);
    buffer
}

fn aws_lc(test: &aead::Test) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &test.key).expect("256 bits"))
}

fn open_aws_lc(test: &aead::Test) -> Option<Vec<u8>> {
    let mut buffer = [test.ct.as_slice(), &test.tag].concat();
    let plaintext = aws_lc(test)
        .open_in_place(Nonce::assume_unique_for_key(nonce(test)), Aad::from(test.aad.as_slice()), &mut buffer)
        .ok()?;
    Some(plaintext.to_vec())
}

fn seal_aws_lc(test: &aead::Test) -> Vec<u8> {
    let mut buffer = test.pt.to_vec();
    aws_lc(test)
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce(test)),
            Aad::from(test.aad.as_slice()),
            &mut buffer,
        )
        .expect("seals");
    buffer
}
