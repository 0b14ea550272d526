//! How far the store's clock is from this host's.

use parking_lot::Mutex;

/// How long a sample is good for, in microseconds of the host's clock: in this time two clocks
/// drift apart by less than a round trip takes.
const KEEP_US: u64 = 1_000_000;

/// The store's clock as seen from here: never ahead of it, as far as this host can know.
///
/// A reply that left the store when its clock said T and is here when ours says L shows that at our
/// L the store's clock says T or more. So T - L is a lower bound of the offset, the better the
/// faster the reply came; the best of the last one to two seconds is used.
#[derive(Debug, Default)]
pub(super) struct Offset(Mutex<Samples>);

#[derive(Debug, Default)]
struct Samples {
    best: Option<i128>,
    before: Option<i128>,
    since_us: u64,
}

impl Offset {
    /// The store's clock, given ours; `None`: not known yet.
    pub(super) fn store_us(&self, local_us: u64) -> Option<u64> {
        let samples = self.0.lock();
        let offset = samples.best.max(samples.before)?;
        u64::try_from(i128::from(local_us) + offset).ok()
    }

    /// Takes in that the store's clock said `store_us` not after ours says `local_us`.
    pub(super) fn learn(&self, store_us: u64, local_us: u64) {
        let mut samples = self.0.lock();
        if local_us.abs_diff(samples.since_us) > KEEP_US {
            samples.before = samples.best.take();
            samples.since_us = local_us;
        }
        samples.best = samples.best.max(Some(i128::from(store_us) - i128::from(local_us)));
    }

    /// Starts over: what was known turned out wrong, because one of the clocks jumped or drifted,
    /// or the store is another.
    pub(super) fn correct(&self, store_us: u64, local_us: u64) {
        let best = Some(i128::from(store_us) - i128::from(local_us));
        *self.0.lock() = Samples { best, before: None, since_us: local_us };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_known_before_the_first_reply() {
        assert_eq!(Offset::default().store_us(5), None);
    }

    #[test]
    fn the_fastest_reply_of_late_counts() {
        let offset = Offset::default();
        offset.learn(1_000_000, 5_000_300);
        offset.learn(1_010_000, 5_010_050);
        offset.learn(1_020_000, 5_020_200);
        assert_eq!(offset.store_us(5_020_200), Some(1_020_150));
        offset.learn(3_100_000, 7_100_100);
        offset.learn(5_300_000, 9_300_120);
        assert_eq!(offset.store_us(9_300_120), Some(5_300_020));
    }

    #[test]
    fn a_correction_forgets_what_was_better() {
        let offset = Offset::default();
        offset.learn(1_000_000, 5_000_000);
        offset.correct(900_000, 5_000_001);
        assert_eq!(offset.store_us(5_000_001), Some(900_000));
    }
}
