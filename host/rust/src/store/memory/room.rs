//! Room for newcomers: what has expired is dropped, and a full shard forgets.

use super::forgetting::{LOOK, WhenFull};
use super::{SWEEP, Shard};

impl Shard {
    /// Whether there is room for this many more entities, once those that have expired are dropped
    /// and others are forgotten.
    pub(crate) fn make_room(&mut self, count: usize, now_us: u64) -> bool {
        self.sweep(SWEEP * count, now_us);
        let lacks_room = |shard: &Self| shard.entities.len() + count > shard.capacity;
        match self.when_full {
            WhenFull::Forget => {
                while lacks_room(self) && !self.entities.is_empty() {
                    self.forget_one(now_us);
                }
            }
            WhenFull::Refuse if lacks_room(self) && now_us >= self.full_until_us => {
                self.sweep(self.entities.len(), now_us);
                let expiries = self.entities.values().map(|slot| slot.entity.expires_us());
                self.full_until_us = expiries.min().unwrap_or(0);
            }
            WhenFull::Refuse => {}
        }
        !lacks_room(self)
    }

    /// Drops an entity that has expired, or else forgets the lightest that it knows of.
    fn forget_one(&mut self, now_us: u64) {
        let before = self.entities.len();
        for _ in 0..LOOK.min(before) {
            self.hand %= self.entities.len();
            let (tag, slot) = self.entities.get_index(self.hand).expect("the hand is at an entity");
            if slot.entity.is_over(now_us) {
                self.entities.swap_remove_index(self.hand);
                return;
            }
            self.candidates.offer(tag, slot.entity.weight, slot.entity.expires_us());
            self.hand += 1;
        }
        while let Some((tag, weight)) = self.candidates.take() {
            // One that has grown heavier since is not a candidate any more.
            if self.entities.get(&tag).is_some_and(|slot| slot.entity.weight <= weight) {
                self.entities.swap_remove(&tag);
                self.forgotten.note(weight);
                return;
            }
        }
    }

    /// Looks at this many entities, in turn, and drops those that have expired.
    pub(super) fn sweep(&mut self, count: usize, now_us: u64) {
        for _ in 0..count {
            if self.entities.is_empty() {
                return;
            }
            self.hand %= self.entities.len();
            if self.entities[self.hand].entity.is_over(now_us) {
                // The last one moves to this index, so the hand stays.
                self.entities.swap_remove_index(self.hand);
            } else {
                self.hand += 1;
            }
        }
    }
}
