//! Seeded randomness: ChaCha with 8 rounds, whose stream is the same on every platform and in every version.

use chacha20::ChaCha8Rng;
use rand_core::{Infallible, Rng as _, SeedableRng, TryCryptoRng, TryRng};

/// A generator for tests. It counts as a `CryptoRng` so that the sealing code takes it; nothing sealed with it is secret.
#[derive(Debug)]
pub struct SeededRng(ChaCha8Rng);

impl SeededRng {
    pub fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(ChaCha8Rng::from_seed(bytes))
    }

    /// A generator of its own for one part, so that what one part draws does not change what another draws.
    pub fn fork(&mut self) -> Self {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        Self(ChaCha8Rng::from_seed(bytes))
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Below `bound`; 0 for a bound of 0. The small bias of the remainder does not matter here.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// Between both, inclusive.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).saturating_add(1).max(1).unsigned_abs();
        low.saturating_add_unsigned(self.below(span))
    }

    /// True in `permille` of a thousand cases.
    pub fn chance(&mut self, permille: u32) -> bool {
        self.below(1_000) < u64::from(permille)
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// One of several.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        let at = self.below(among.len() as u64);
        among.get(usize::try_from(at).unwrap_or(0)).expect("something to pick from")
    }
}

impl TryRng for SeededRng {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for SeededRng {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_never_changes() {
        // If this changes, no seed that anybody wrote down replays any more.
        let mut rng = SeededRng::new(1);
        assert_eq!([rng.next_u64(), rng.next_u64()], PINNED);
        assert_ne!(SeededRng::new(2).next_u64(), PINNED[0]);
    }

    const PINNED: [u64; 2] = [7_037_237_572_835_827_407, 5_440_448_899_038_119_230];

    #[test]
    fn bounds_hold() {
        let mut rng = SeededRng::new(7);
        for _ in 0..1_000 {
            assert!(rng.below(3) < 3);
            assert!((-5..=5).contains(&rng.between(-5, 5)));
        }
        assert_eq!((rng.below(0), rng.between(4, 4)), (0, 4));
        assert!(!rng.chance(0) && rng.chance(1_000));
    }
}
