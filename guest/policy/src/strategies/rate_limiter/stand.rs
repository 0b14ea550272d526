//! Standing answers: what a host may answer by itself, until when.
//!
//! After an admission a host may ask whether that *stands*. If it does, the host may admit like
//! calls without a run. It makes the moves of the stand, each of which is the `advance` that a run
//! would make, and tells the numbers that follow from them by rules that the contract states. Where
//! a move does not fit, or the stand is over, the policy runs.
//!
//! *Why that is exact.* A stand holds between two events that change what a run does: the charge of
//! a limit is one `advance` until then, with a step by cost, and with a floor and a ceiling that
//! are functions of the time alone.
//!
//! - *Bucket.* The floor is `units(t) = floor(t * units / micros)`, the ceiling a full burst above
//!   it. From `at` on that is `units(at) + floor((carry + (t - at) * units) / micros)`, where
//!   `carry` is what was rounded off at `at`: nothing is lost or gained, however often it is taken.
//!   A floor that stood still would let an idle bucket gain. It stands until the cell that says by
//!   which limit it is counted is due to be written again.
//! - *Windows.* Floor and ceiling stand still until the window ends. A counter stands only while
//!   nothing of the window before counts: its share falls with each microsecond.
//! - *Groups.* They stand until the open group ends, or one before it leaves. Each answer also
//!   takes the time of the group's last permit along: without that the group would leave too early.
//!   A group of single permits does not stand.
//! - *Log.* Each permit needs its own time, so it does not stand.
//!
//! Whoever waits, places ahead, leases and several limits at once are left to runs.

use alloc::vec::Vec;

/// What a host may answer by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand {
    /// From when on.
    pub at_us: u64,
    /// Until when; at that time it is over.
    pub until_us: u64,
    /// All are made, or none.
    pub moves: Vec<Move>,
    /// Nothing counts any more from then on, or from `resets_in_us` after the answer on, whichever
    /// is later; where the floor of the move rises, once it has reached the number.
    pub resets_at_us: u64,
    /// See `resets_at_us`.
    pub resets_in_us: u64,
}

/// One `advance` of a shared cell that a host makes for an answer, by `step` a permit. At a time t
/// floor, ceiling and `full` are higher by `(carry + (t - at_us) * rise) / over`, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The cell.
    pub field: u32,
    /// How far a permit moves it.
    pub step: u64,
    /// As for `advance`.
    pub floor: u64,
    /// As for `advance`.
    pub ceiling: u64,
    /// At this number no more permits fit: it is at least the ceiling.
    pub full: u64,
    /// How long the cell lives on after the answer, or until `lives_until_us`, rounded up to a
    /// whole millisecond after the answer; whichever is longer.
    pub ttl_ms: u64,
    /// See `ttl_ms`.
    pub lives_until_us: u64,
    /// How fast floor and ceiling rise.
    pub rise: u64,
    /// See `rise`; not 0.
    pub over: u64,
    /// See `rise`.
    pub carry: u64,
    /// A cell that is raised to the time of the answer, for as long, where that is later than
    /// `after_us`.
    pub last: Option<u32>,
    /// See `last`.
    pub after_us: u64,
    /// The limit whose room it is.
    pub limit: u32,
}

/// A move of one limit, and for how long it can be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) until_us: u64,
    pub(crate) one: Move,
    pub(crate) resets_at_us: u64,
    pub(crate) resets_in_us: u64,
}

impl Move {
    /// A count from 0, one for each permit, with numbers that stand still.
    pub(crate) fn counting(field: u32, ceiling: u64, full: u64, limit: u32) -> Self {
        Self {
            field,
            step: 1,
            floor: 0,
            ceiling,
            full,
            ttl_ms: 0,
            lives_until_us: 0,
            rise: 0,
            over: 1,
            carry: 0,
            last: None,
            after_us: 0,
            limit,
        }
    }
}
