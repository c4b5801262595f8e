//! What no server can beat: aws-lc-rs decrypting content keys, RSA-3072 with OAEP and SHA-256, and nothing else.

use crate::clock::{self, Spent};
use getrandom::SysRng;
use holdfast_crypto::envelope::{CardPrivateKey, PublicCardKey, WrappedContentKey, make_card_key};
use std::time::Duration;

/// A key and something to decrypt with it.
pub struct Ceiling {
    key: CardPrivateKey,
    wrapped: Vec<Vec<u8>>,
}

impl Ceiling {
    pub fn make() -> Self {
        let pair = make_card_key().expect("a key");
        let public = PublicCardKey::parse("bench", &pair.n, &pair.e).expect("a public key");
        let wrap = |_| WrappedContentKey::make(&public, &mut SysRng).expect("a content key").encrypted_key().to_vec();
        Self { key: CardPrivateKey::load(&pair.pkcs8).expect("a private key"), wrapped: (0..64).map(wrap).collect() }
    }

    /// Decrypts on one thread for about this long.
    pub fn run(&self, time: Duration) -> Spent {
        let clock = clock::start(None);
        let mut count = 0;
        while clock.elapsed() < time {
            for encrypted_key in &self.wrapped {
                self.key.unwrap_key(encrypted_key).expect("decrypts");
            }
            count += self.wrapped.len();
        }
        clock.stop(count)
    }
}
