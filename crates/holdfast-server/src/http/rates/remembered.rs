//! What a limit remembers of whom, in bounded memory.

use governor::nanos::Nanos;
use governor::state::StateStore;
use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{Mutex, PoisonError};

/// Two generations. When the young one is full it becomes the old one, and who was only in the old one is forgotten, which means: starts with
/// a whole burst again. So a crowd of strangers costs no memory without end, and keeps nobody out.
#[derive(Debug)]
pub struct Remembered<K> {
    max: usize,
    kept: Mutex<Kept<K>>,
}

#[derive(Debug)]
struct Kept<K> {
    young: HashMap<K, Nanos>,
    old: HashMap<K, Nanos>,
}

impl<K> Remembered<K> {
    /// Remembers the last `max` at least, and twice as many at most.
    pub fn new(max: usize) -> Self {
        Self { max, kept: Mutex::new(Kept { young: HashMap::new(), old: HashMap::new() }) }
    }
}

impl<K: Clone + Eq + Hash> StateStore for Remembered<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, judge: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.young.get(key).or_else(|| kept.old.get(key)).copied();
        let judged = judge(before);
        // Who is refused stays remembered as well, or asking on would lead to being forgotten.
        let after = judged.as_ref().map(|(_, after)| *after).ok().or(before);
        if let Some(after) = after {
            if kept.young.len() >= self.max && !kept.young.contains_key(key) {
                kept.old = mem::take(&mut kept.young);
            }
            kept.young.insert(key.clone(), after);
        }
        judged.map(|(value, _)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(remembered: &Remembered<u32>, key: u32) -> Option<u64> {
        let seen = remembered.measure_and_replace(&key, |before| {
            Ok::<_, ()>((before.map(|nanos| nanos.as_u64()), Nanos::from(u64::from(key))))
        });
        seen.expect("nobody is refused")
    }

    #[test]
    fn a_crowd_is_forgotten_in_the_order_in_which_it_came_and_memory_has_a_bound() {
        let remembered = Remembered::new(100);
        for key in 0..100_000 {
            assert_eq!(ask(&remembered, key), None);
            // Somebody who keeps asking.
            assert!(key == 0 || ask(&remembered, 7_000_000).is_some(), "{key}");
            if key == 0 {
                ask(&remembered, 7_000_000);
            }
        }
        assert!(ask(&remembered, 99_999).is_some() && ask(&remembered, 99_950).is_some());
        assert_eq!(ask(&remembered, 99_000), None);
        let kept = remembered.kept.lock().expect("no panic");
        assert!(kept.young.len() <= 100 && kept.old.len() <= 100);
    }

    #[test]
    fn who_is_refused_and_asks_on_is_not_forgotten() {
        let remembered = Remembered::new(10);
        ask(&remembered, 1);
        for key in 100..1_000 {
            ask(&remembered, key);
            let refused = remembered.measure_and_replace(&1, Err::<((), Nanos), _>);
            assert!(matches!(refused, Err(Some(_))), "{key}");
        }
    }
}
