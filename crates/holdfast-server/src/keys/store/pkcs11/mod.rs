//! A token behind PKCS#11: the key pair is generated inside, cannot be taken out, and decrypts there.
//!
//! The token must take `CKM_RSA_PKCS_OAEP` with SHA-256 in both places, as HSMs in the field do, or [`Mechanism::Raw`] is set:
//! the token does the bare RSA step and the padding is decoded here in constant time (docs/decisions says why both are there).
//!
//! A handle is `p11.` and the token's `CKA_ID` in hexadecimal. The id is random, so a key that was made twice in a race or whose handle was
//! lost in a crash is never taken for the one in the books.

mod connection;
mod settings;

pub use settings::{Mechanism, Pin, TokenSettings};

use super::{HeldHandle, KeyStore, KeyStoreError, MadeKey};
use connection::{Call, Connection};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism as Ck, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use holdfast_crypto::Secret;
use holdfast_crypto::envelope::oaep::oaep_sha256_content_key;
use holdfast_crypto::envelope::{ContentKey, ENCRYPTED_KEY_BYTES};
use holdfast_wire::b64;
use zeroize::Zeroizing;

const PREFIX: &[u8] = b"p11.";
const ID_BYTES: usize = 16;

/// Card keys in a token.
#[derive(Debug)]
pub struct TokenStore {
    connection: Connection,
    mechanism: Mechanism,
}

impl TokenStore {
    /// Loads the module and tries to reach the token. A token that is not there is no error: payments wait for it.
    ///
    /// # Errors
    /// [`KeyStoreError::Setting`] when the module cannot be loaded or the PIN is wrong.
    pub fn open(settings: TokenSettings) -> Result<Self, KeyStoreError> {
        let mechanism = settings.mechanism;
        let store = Self { connection: Connection::load(settings)?, mechanism };
        match store.connection.run(Call::Other, |_| Ok(())) {
            Err(error @ KeyStoreError::Setting(_)) => Err(error),
            Err(error) => {
                tracing::error!(%error, "the token is not there: payments are taken and wait for it");
                Ok(store)
            }
            Ok(()) => Ok(store),
        }
    }

    /// The way into the token and the generation of a pair, in one session.
    fn generate(session: &Session, kid: &str, id: &[u8]) -> Result<(ObjectHandle, Vec<Attribute>), Error> {
        let public = [
            // Only the private half lives in the token; the books have the public one.
            Attribute::Token(false),
            Attribute::ModulusBits((ENCRYPTED_KEY_BYTES as u64 * 8).into()),
            Attribute::PublicExponent(vec![1, 0, 1]),
            Attribute::Encrypt(true),
        ];
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Decrypt(true),
            Attribute::Sign(false),
            Attribute::Unwrap(false),
            Attribute::Id(id.to_vec()),
            Attribute::Label(kid.as_bytes().to_vec()),
        ];
        let (public, private) = session.generate_key_pair(&Ck::RsaPkcsKeyPairGen, &public, &private)?;
        let numbers = session.get_attributes(public, &[AttributeType::Modulus, AttributeType::PublicExponent]);
        // A session's object ends with it; sooner is tidier, and not worth a failure.
        let _ = session.destroy_object(public);
        Ok((private, numbers?))
    }
}

impl KeyStore for TokenStore {
    fn name(&self) -> &'static str {
        "pkcs11"
    }

    fn prefix(&self) -> &'static [u8] {
        PREFIX
    }

    fn make(&self, kid: &str) -> Result<MadeKey, KeyStoreError> {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id).map_err(|_| KeyStoreError::Unavailable("no random numbers".to_owned()))?;
        let (numbers, is_kept_inside) = self.connection.run(Call::Other, |session| {
            let (private, numbers) = Self::generate(session, kid, &id)?;
            let is_kept_inside = is_kept_inside(session, private)?;
            if !is_kept_inside {
                session.destroy_object(private)?;
            }
            Ok((numbers, is_kept_inside))
        })?;
        if !is_kept_inside {
            return Err(KeyStoreError::Setting("the token makes keys that can be taken out of it".to_owned()));
        }
        let number = |wanted: fn(&Attribute) -> Option<&Vec<u8>>| {
            let found = numbers.iter().find_map(wanted).map(|number| {
                let zeros = number.iter().take_while(|byte| **byte == 0).count();
                b64::encode(&number[zeros..])
            });
            found
                .ok_or_else(|| KeyStoreError::Setting("the token does not tell the public half of its keys".to_owned()))
        };
        let n = number(|attribute| if let Attribute::Modulus(n) = attribute { Some(n) } else { None })?;
        let e = number(|attribute| if let Attribute::PublicExponent(e) = attribute { Some(e) } else { None })?;
        Ok(MadeKey { n, e, handle: handle_of(&id) })
    }

    fn content_key(&self, kid: &str, handle: &[u8], encrypted_key: &[u8]) -> Result<ContentKey, KeyStoreError> {
        let id = id_of(handle)?;
        let (mechanism, call) = match self.mechanism {
            Mechanism::Raw => (Ck::RsaX509, Call::Other),
            Mechanism::OaepSha256 => {
                let params =
                    PkcsOaepParams::new(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, PkcsOaepSource::empty());
                (Ck::RsaPkcsOaep(params), Call::OaepInTheToken)
            }
        };
        let opened = self.connection.run(call, |session| {
            // Not found is the token's trouble: the books say that the key lives.
            let key = find(session, &id)?.ok_or(Error::Pkcs11(RvError::ObjectHandleInvalid, KEY_LOOKUP))?;
            session.decrypt(&mechanism, key, encrypted_key).map(Zeroizing::new)
        });
        let opened = opened.inspect_err(|error| tracing::debug!(kid, %error, "the token did not decrypt"))?;
        match self.mechanism {
            Mechanism::Raw => {
                let padded = <[u8; ENCRYPTED_KEY_BYTES]>::try_from(opened.as_slice()).map_err(|_| {
                    KeyStoreError::Setting("the token's bare RSA does not give as many bytes as the modulus".to_owned())
                })?;
                oaep_sha256_content_key(Zeroizing::new(padded)).map_err(|_| KeyStoreError::Refused)
            }
            // The padding was right, so the length is the sender's doing.
            Mechanism::OaepSha256 => {
                <[u8; 32]>::try_from(opened.as_slice()).map(Secret::new).map_err(|_| KeyStoreError::Refused)
            }
        }
    }

    fn destroy(&self, kid: &str, handle: &[u8]) -> Result<(), KeyStoreError> {
        let id = id_of(handle)?;
        let is_gone = self.connection.run(Call::Other, |session| {
            if let Some(key) = find(session, &id)? {
                session.destroy_object(key)?;
            }
            Ok(find(session, &id)?.is_none())
        })?;
        if is_gone { Ok(()) } else { Err(KeyStoreError::Unavailable(format!("the token still has {kid}"))) }
    }

    fn at_once(&self) -> usize {
        connection::SESSIONS_MAX
    }

    fn held(&self) -> Result<Option<Vec<HeldHandle>>, KeyStoreError> {
        self.connection.run(Call::Other, |session| {
            let ours = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::KeyType(KeyType::RSA)];
            let mut held = Vec::new();
            for object in session.find_objects(&ours)? {
                let named = session.get_attributes(object, &[AttributeType::Id, AttributeType::Label])?;
                let (mut id, mut kid) = (Vec::new(), String::new());
                for attribute in named {
                    match attribute {
                        Attribute::Id(bytes) => id = bytes,
                        Attribute::Label(text) => kid = String::from_utf8_lossy(&text).into_owned(),
                        _ => {}
                    }
                }
                // The token may be shared with others: theirs is none of our business.
                if id.len() == ID_BYTES && kid.starts_with("card-") {
                    held.push(HeldHandle { kid, handle: handle_of(&id) });
                }
            }
            Ok(Some(held))
        })
    }
}

/// What a lookup that finds nothing is reported as.
const KEY_LOOKUP: cryptoki::context::Function = cryptoki::context::Function::FindObjects;

fn find(session: &Session, id: &[u8]) -> Result<Option<ObjectHandle>, Error> {
    let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(id.to_vec())];
    Ok(session.find_objects(&wanted)?.first().copied())
}

/// Whether the key was generated inside and never could leave: asked of the token, not assumed from the template.
fn is_kept_inside(session: &Session, key: ObjectHandle) -> Result<bool, Error> {
    let wanted = [
        AttributeType::Sensitive,
        AttributeType::AlwaysSensitive,
        AttributeType::Extractable,
        AttributeType::NeverExtractable,
        AttributeType::Local,
    ];
    let told = session.get_attributes(key, &wanted)?;
    let expected = [
        Attribute::Sensitive(true),
        Attribute::AlwaysSensitive(true),
        Attribute::Extractable(false),
        Attribute::NeverExtractable(true),
        Attribute::Local(true),
    ];
    Ok(expected.iter().all(|attribute| told.contains(attribute)))
}

fn handle_of(id: &[u8]) -> Vec<u8> {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    [PREFIX, hex.as_bytes()].concat()
}

fn id_of(handle: &[u8]) -> Result<Vec<u8>, KeyStoreError> {
    let hex = handle.strip_prefix(PREFIX).and_then(|hex| std::str::from_utf8(hex).ok()).unwrap_or_default();
    let byte = |at: usize| hex.get(2 * at..2 * at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let id: Option<Vec<u8>> = (0..ID_BYTES).map(byte).collect();
    id.filter(|_| hex.len() == 2 * ID_BYTES)
        .ok_or_else(|| KeyStoreError::Setting("a key's handle is not one of a token".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_say_which_object() {
        let id: Vec<u8> = (0..16).map(|byte| byte * 16 + 1).collect();
        assert_eq!(id_of(&handle_of(&id)), Ok(id));
        for bad in [&b"p11."[..], b"v1.00", b"p11.0102", b"p11.zz", b"", &[b'p', b'1', b'1', b'.', 0xff]] {
            assert!(matches!(id_of(bad), Err(KeyStoreError::Setting(_))), "{bad:?}");
        }
    }
}
