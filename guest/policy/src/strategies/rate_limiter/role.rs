//! What each cell of a limiter is for.

/// What a cell is for; the low byte of its field number. The rest is the limit's geometry, so that
/// a changed limit starts on cells of its own instead of misreading others.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Role {
    /// The windows of an aligned limit, or the groups of a strict one.
    Head = 1,
    /// The number of permits in the open window or group.
    Count = 2,
    /// When a bucket will be full.
    Full = 3,
    /// The times of a log.
    Log = 4,
    /// The waiters; of the entity, not of a limit.
    Queue = 5,
    /// When this host's lease was charged; local.
    LeaseAt = 6,
    /// How much of it is spent; local.
    LeaseSpent = 7,
    /// How many permits were charged for it, or are to be charged next; local.
    LeaseSize = 8,
    /// How much was given back of a bucket.
    Returned = 9,
    /// The marks: how much that was at some times.
    Marks = 10,
    /// By which limit a bucket is counted.
    Rate = 11,
    /// The time of the last permit in the open group.
    Last = 12,
    /// The groups between the oldest and the newest.
    Middle = 13,
}
