//! Seeded mutations: ways to be wrong, each of which a checker must notice. Nothing of this is in
//! the code under test.

/// How the store model, or what stands between a ledger and it, is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The script: `advance` passes its ceiling.
    IgnoresCeiling,
    /// The script: `advance` starts from the number even where that is below the floor.
    IgnoresFloor,
    /// The script: `get` is not validated.
    TrustsReads,
    /// The script: the verdict that a run was told is not compared.
    TrustsVerdicts,
    /// The script: equal advances that go out as one are counted once.
    CountsOnce,
    /// The script: what came before a refusal is written.
    AppliesHalf,
    /// The script: `retreat` moves twice as far.
    RetreatsTwice,
    /// The script: times ahead of its clock are taken.
    TakesAnyTime,
    /// The script: values live on for ever.
    NeverExpires,
    /// The script: values live a tenth of their time.
    ExpiresEarly,
    /// The ledger: answers from what it knows, and commits nothing.
    AnswersFromMemory,
    /// The ledger: takes numbers as known, and runs nothing again.
    SkipsRerun,
    /// The ledger: a lost reply is taken for an applied commit.
    HopesForTheBest,
    /// The ledger: sends a commit again, without a way to tell, when no reply came.
    RepeatsBlindly,
    /// The ledger: sends what was turned away as untimely again when its time has come, though it
    /// has asked anew meanwhile.
    RepeatsLate,
    /// The ledger: what gives something back is not sent.
    DropsRefunds,
    /// The ledger: a success that changes nothing by what it knows is dropped.
    DropsSuccesses,
    /// The ledger: a store that does not answer is waited for without end.
    WaitsForEver,
    /// The ledger: a store is given up after a quarter of the time limit.
    GivesUpEarly,
    /// The ledger: a timer that is over counts, whatever the host was busy with meanwhile.
    TrustsTimers,
    /// The guard: one failure counts as three.
    CountsCalls,
}

/// Those that only fleets with hiccups catch, by the names that the command line knows.
pub const OF_HICCUPS: &[(&str, Flaw)] = &[
    ("gives-up-early", Flaw::GivesUpEarly),
    ("trusts-timers", Flaw::TrustsTimers),
    ("counts-calls", Flaw::CountsCalls),
];

/// Those that only fleets of a circuit which counts in a row catch.
pub const OF_ROWS: &[(&str, Flaw)] = &[("drops-successes", Flaw::DropsSuccesses)];

/// Those that only fleets whose clocks jump catch.
pub const OF_JUMPS: &[(&str, Flaw)] = &[("repeats-late", Flaw::RepeatsLate)];

/// Those that any fleets catch, by the names that the command line knows.
pub const FLAWS: &[(&str, Flaw)] = &[
    ("ignores-ceiling", Flaw::IgnoresCeiling),
    ("ignores-floor", Flaw::IgnoresFloor),
    ("trusts-reads", Flaw::TrustsReads),
    ("trusts-verdicts", Flaw::TrustsVerdicts),
    ("counts-once", Flaw::CountsOnce),
    ("applies-half", Flaw::AppliesHalf),
    ("retreats-twice", Flaw::RetreatsTwice),
    ("takes-any-time", Flaw::TakesAnyTime),
    ("never-expires", Flaw::NeverExpires),
    ("expires-early", Flaw::ExpiresEarly),
    ("answers-from-memory", Flaw::AnswersFromMemory),
    ("skips-rerun", Flaw::SkipsRerun),
    ("hopes-for-the-best", Flaw::HopesForTheBest),
    ("repeats-blindly", Flaw::RepeatsBlindly),
    ("drops-refunds", Flaw::DropsRefunds),
    ("waits-for-ever", Flaw::WaitsForEver),
];

/// The flaw of a name.
pub fn named(name: &str) -> Option<Flaw> {
    all().find(|(known, _)| *known == name).map(|(_, flaw)| *flaw)
}

/// The name of a flaw.
pub fn name_of(flaw: Flaw) -> &'static str {
    all().find(|(_, known)| *known == flaw).map_or("", |(name, _)| name)
}

fn all() -> impl Iterator<Item = &'static (&'static str, Flaw)> {
    FLAWS.iter().chain(OF_HICCUPS).chain(OF_ROWS).chain(OF_JUMPS)
}
