//! What a gate counts.

use pyo3::prelude::*;

use crate::data::record;

/// What a gate has done so far in this process.
#[pyclass(frozen, eq, module = "tidegate")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stats(pub(crate) tidegate::Stats);

record!(Stats {
    commits: u64 = |it| it.commits;
    refused: u64 = |it| it.refused;
    untimely: u64 = |it| it.untimely;
    reruns: u64 = |it| it.reruns;
    diverged: u64 = |it| it.diverged;
    foreign: u64 = |it| it.foreign;
    contended: u64 = |it| it.contended;
    deferred: u64 = |it| it.deferred;
    lost: u64 = |it| it.lost;
    local: u64 = |it| it.local;
    leases: u64 = |it| it.leases;
    leased: u64 = |it| it.leased;
    released: u64 = |it| it.released;
    degraded: u64 = |it| it.degraded;
    posted: u64 = |it| it.posted;
    watch_refused: u64 = |it| it.watch_refused;
    forgotten: u64 = |it| it.forgotten;
    most_attempts: u64 = |it| it.most_attempts;
    instances: u64 = |it| it.runtime.instances;
    instantiated: u64 = |it| it.runtime.instantiated;
    traps: u64 = |it| it.runtime.traps;
    timeouts: u64 = |it| it.runtime.timeouts;
    retries: u64 = |it| it.runtime.retries;
    failures: u64 = |it| it.runtime.failures;
} also {});
