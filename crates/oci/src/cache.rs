//! A bounded map that forgets what has not been used for long.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;

/// Keeps between half of `max` and `max` entries: those used since the last change of generations, and those of one before.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    generations: Mutex<[HashMap<K, V>; 2]>,
    max: usize,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(max: usize) -> Self {
        Self { generations: Mutex::new([HashMap::new(), HashMap::new()]), max: max.max(2) }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut generations = self.generations.lock();
        if let Some(value) = generations[0].get(key) {
            return Some(value.clone());
        }
        let (key, value) = generations[1].remove_entry(key)?;
        self.put(&mut generations, key, value.clone());
        Some(value)
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        self.put(&mut self.generations.lock(), key, value);
    }

    fn put(&self, generations: &mut [HashMap<K, V>; 2], key: K, value: V) {
        if generations[0].len() >= self.max / 2 {
            generations[1] = std::mem::take(&mut generations[0]);
        }
        generations[0].insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays() {
        let cache = Cache::new(8);
        for n in 0..100 {
            cache.insert(n, n);
            cache.insert(1000, 1000);
            assert_eq!(cache.get(&1000), Some(1000));
        }
        assert_eq!((cache.get(&1), cache.get(&99)), (None, Some(99)));
        let generations = cache.generations.lock();
        assert!(generations[0].len() + generations[1].len() <= 8);
    }
}
