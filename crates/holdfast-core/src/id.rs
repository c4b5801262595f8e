//! Identifiers. A payment's id is made on the device before its first attempt and never changes.

use std::fmt;
use std::str::FromStr;
use uuid::{Builder, Uuid};

/// What is wrong with an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a UUID of the expected version: expected 8-4-4-4-12 hexadecimal digits")]
pub struct IdError;

/// A payment's id: UUIDv7 (RFC 9562 section 5.7), so that ids sort by the time they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaymentId(Uuid);

impl PaymentId {
    /// Makes an id from the clock's and the random generator's values.
    pub fn make(at_ms: i64, random: [u8; 10]) -> Self {
        let ms = u64::try_from(at_ms).unwrap_or(0);
        Self(Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
    }

    pub fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// The id of these bytes, if they are one.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let id = Uuid::from_bytes(bytes);
        (id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122).then_some(Self(id))
    }
}

impl FromStr for PaymentId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let id = parse_uuid(text)?;
        (id.get_version_num() == 7).then_some(Self(id)).ok_or(IdError)
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

macro_rules! uuid_v4 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id from random bytes.
            pub fn make(random: [u8; 16]) -> Self {
                Self(Builder::from_random_bytes(random).into_uuid())
            }

            pub fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// The id of these bytes, if they are one.
            pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
                let id = Uuid::from_bytes(bytes);
                (id.get_version_num() == 4 && id.get_variant() == uuid::Variant::RFC4122).then_some(Self(id))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_uuid(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
    };
}

uuid_v4!(
    /// A device that was enrolled.
    DeviceId
);
uuid_v4!(
    /// A merchant.
    MerchantId
);
uuid_v4!(
    /// A receipt that is to be sent by e-mail, made by whoever asks for it: asked for twice it is sent once.
    MailId
);

uuid_v4!(
    /// Somebody who sells at a till.
    StaffId
);

fn parse_uuid(text: &str) -> Result<Uuid, IdError> {
    // Only the hyphenated lower-case form is accepted: one id has one spelling, so text compares as the id does.
    let id = Uuid::try_parse(text).map_err(|_| IdError)?;
    (text.len() == 36 && !text.bytes().any(|b| b.is_ascii_uppercase())).then_some(id).ok_or(IdError)
}

/// SHA-256 of a record's compact form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordHash(pub [u8; 32]);

impl fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0[..4] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_spelling() {
        let id = PaymentId::make(1_795_392_000_000, [7; 10]);
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(text.to_uppercase().parse::<PaymentId>(), Err(IdError));
        assert_eq!(text.replace('-', "").parse::<PaymentId>(), Err(IdError));
        assert_eq!("".parse::<PaymentId>(), Err(IdError));
        assert_eq!(DeviceId::make([1; 16]).to_string().parse::<PaymentId>(), Err(IdError), "a version 4 is no payment");
    }

    #[test]
    fn ids_sort_by_time() {
        assert!(PaymentId::make(1_000, [255; 10]) < PaymentId::make(1_001, [0; 10]));
    }
}
