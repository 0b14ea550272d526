//! Chance, all of it from one seed.

use std::time::{SystemTime, UNIX_EPOCH};

/// A stream of numbers that follows from its seed alone: `SplitMix64` (Steele, Lea and Flood,
/// 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for one part of a run, so that taking other parts away leaves this
    /// part's chances as they are.
    pub fn part(seed: u64, path: &[u64]) -> Self {
        let mix = |sum: u64, step: &u64| Self(sum ^ step.wrapping_mul(0xd6e8_feb8_6659_fd93)).number();
        Self(path.iter().fold(seed, mix))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.number() % (to - from + 1)
    }

    /// Like [`Self::between`], for small numbers.
    pub fn small(&mut self, from: u32, to: u32) -> u32 {
        u32::try_from(self.between(from.into(), to.into())).unwrap_or(to)
    }

    /// An index of a list of this many.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.number() % length.max(1) as u64).unwrap_or(0)
    }

    /// One of a list.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    /// A number from `-most` to `most`.
    pub fn signed(&mut self, most: i64) -> i64 {
        let most = most.unsigned_abs();
        self.between(0, 2 * most).cast_signed() - most.cast_signed()
    }

    /// Whether something happens that does in this many of a thousand cases.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.number() % 1_000 < per_mille
    }
}

/// A seed that nobody has run before, as far as the clock can see to that: seeds that follow it
/// belong to it as well.
pub fn seed_of_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Short enough to be typed, far enough from the next that a hundred thousand fit in between.
    Random::new(since.as_nanos().try_into().unwrap_or(0)).between(1, 9_999_999) * 100_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_depends_on_its_own_path_only() {
        assert_eq!(Random::part(7, &[1, 2]).number(), Random::part(7, &[1, 2]).number());
        assert_ne!(Random::part(7, &[1, 2]).number(), Random::part(7, &[2, 1]).number());
        assert_ne!(Random::part(7, &[1, 2]).number(), Random::part(8, &[1, 2]).number());
    }
}
