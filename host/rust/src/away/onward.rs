//! A time by which this host decides alone: about that of the store, and never earlier than before.

use parking_lot::Mutex;

/// While what is known of the store's clock is behind, one part in this many of the time that
/// passes is left out, so that this time and that come together again. Two clocks drift apart by
/// less.
const LEFT_OUT: u64 = 1_024;

/// About the time of the store, that goes on when what is known of the store's clock is put right.
/// What was let go by an earlier time would be forgotten by a run at a later one, and let go again
/// when the time went back.
#[derive(Debug, Default)]
pub(crate) struct Onward(Mutex<Option<Told>>);

#[derive(Debug, Clone, Copy)]
struct Told {
    us: u64,
    /// When, on the steady clock.
    steady_us: u64,
}

impl Onward {
    /// The time, when the steady clock says `steady_us` and the store's is believed to say
    /// `store_us`. At first it is that.
    pub(crate) fn now_us(&self, steady_us: u64, store_us: u64) -> u64 {
        let mut told = self.0.lock();
        let us = told.map_or(store_us, |told| told.us_at(steady_us).max(store_us));
        *told = Some(Told { us, steady_us });
        us
    }
}

impl Told {
    fn us_at(self, steady_us: u64) -> u64 {
        let passed_us = steady_us.saturating_sub(self.steady_us);
        self.us.saturating_add(passed_us - passed_us.div_ceil(LEFT_OUT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_that_of_the_store_where_that_goes_on() {
        let time = Onward::default();
        assert_eq!(time.now_us(70_000_000, 5_000_000), 5_000_000);
        assert_eq!(time.now_us(70_200_000, 5_200_000), 5_200_000);
        assert_eq!(time.now_us(70_200_000, 5_300_000), 5_300_000);
    }

    #[test]
    fn time_neither_goes_back_nor_stands_still_when_the_store_is_believed_to_be_behind() {
        let time = Onward::default();
        assert_eq!(time.now_us(70_000_000, 5_000_000), 5_000_000);
        assert_eq!(time.now_us(71_024_000, 3_000_000), 6_023_000);
        assert_eq!(time.now_us(71_024_000, 2_000_000), 6_023_000);
    }

    #[test]
    fn time_comes_back_to_that_of_the_store() {
        let time = Onward::default();
        time.now_us(70_000_000, 5_001_000);
        assert_eq!(time.now_us(72_048_000, 7_048_000), 7_048_000);
    }
}
