//! What a circuit that several processes share is held to: the calls it admitted and what it said
//! to their outcomes, merged by their times.
//!
//! It knows nothing of how the circuit decides. What happened on another line of the store
//! ([`mod@crate::line`]) shows nothing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use tidegate::CircuitBreakerConfig;
use tidegate_fleet_tests::strategies::circuit_breaker::load::{Passage, Told};

use crate::line::Line;

/// A generation is the time of its beginning, made unique: later by as many microseconds as changes
/// fell on the same time.
const UNIQUE_US: u64 = 10;

/// Whose circuit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// That of the store, for all hosts.
    Store,
    /// That of one host without the store.
    Host,
}

/// A circuit that opened.
#[derive(Debug, Clone, Copy)]
struct Trip {
    /// When, on the keeper's clock.
    at_us: u64,
    /// When somebody had heard of it.
    known_us: u64,
}

/// Checks what the keeper's circuit did on a line: open, it admits nothing before its time is over;
/// half-open, no more probes are in flight than there may be; and no more failures count in a
/// generation than open it.
///
/// # Errors
/// Names the calls that show otherwise.
pub fn check(breaker: &CircuitBreakerConfig, passages: &[Passage], keeper: Keeper, line: &Line) -> Result<()> {
    let is_told = |told: &Told| told.degraded == (keeper == Keeper::Host);
    let told: Vec<(&Passage, &Told)> = { passages.iter() }
        .filter_map(|passage| Some((passage, passage.told.as_ref().filter(|told| is_told(told))?)))
        .filter(|(passage, told)| line.has(passage.telling_us, told.end_us))
        .collect();
    let is_admitted = |passage: &&Passage| {
        passage.permit.degraded == (keeper == Keeper::Host) && line.has(passage.start_us, passage.end_us)
    };
    let admitted: Vec<&Passage> = passages.iter().filter(is_admitted).collect();
    stays_open(breaker, &admitted, &trips(&told))?;
    keeps_to_its_probes(breaker, &admitted)?;
    counts_no_more_than_opens_it(breaker, &told)
}

fn trips(told: &[(&Passage, &Told)]) -> Vec<Trip> {
    let opened = told.iter().filter(|(_, told)| told.cause.is_some() && told.state == "open");
    opened.map(|(_, told)| Trip { at_us: told.generation, known_us: told.end_us }).collect()
}

fn stays_open(breaker: &CircuitBreakerConfig, admitted: &[&Passage], trips: &[Trip]) -> Result<()> {
    let open_us = breaker.open_ms * 1_000 - UNIQUE_US;
    for passage in admitted {
        for trip in trips {
            let over_us = trip.at_us + open_us;
            let is_within = passage.start_us >= trip.known_us && passage.end_us < over_us;
            ensure!(!is_within, "admitted while open: {passage:?} after {trip:?}");
            let is_after = passage.permit.generation > trip.at_us;
            ensure!(
                !is_after || passage.permit.generation >= over_us,
                "open for too short: {passage:?} after {trip:?}"
            );
        }
    }
    Ok(())
}

/// From when it was admitted for certain to when its outcome was told or its time was over, a probe
/// is in flight.
fn keeps_to_its_probes(breaker: &CircuitBreakerConfig, admitted: &[&Passage]) -> Result<()> {
    let mut flights: BTreeMap<u64, Vec<(u64, i64)>> = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    for passage in admitted.iter().filter(|passage| passage.permit.probe > 0) {
        let permit = passage.permit;
        ensure!(numbers.insert((permit.generation, permit.probe)), "admitted twice: {permit:?}");
        let lost_us = permit.admitted_at_us + breaker.half_open.permit_ms * 1_000;
        let (begins_us, ends_us) = (passage.end_us, passage.telling_us.min(lost_us));
        if begins_us < ends_us {
            flights.entry(permit.generation).or_default().extend([(begins_us, 1), (ends_us, -1)]);
        }
    }
    for (generation, mut events) in flights {
        // At the same time, one ends before the next begins.
        events.sort_unstable();
        let mut in_flight = 0;
        for (at_us, change) in events {
            in_flight += change;
            let most = breaker.half_open.probes;
            ensure!(in_flight <= i64::from(most), "{in_flight} probes of {generation} at {at_us}, at most {most}");
        }
    }
    Ok(())
}

fn counts_no_more_than_opens_it(breaker: &CircuitBreakerConfig, told: &[(&Passage, &Told)]) -> Result<()> {
    let Some(rule) = breaker.trip.failures else { return Ok(()) };
    let mut failures: BTreeMap<u64, u32> = BTreeMap::new();
    let counted = |(passage, told): &&(&Passage, &Told)| {
        let is_same = passage.permit.degraded == told.degraded && passage.permit.probe == 0;
        is_same && told.effect == "counted-failure"
    };
    for (passage, _) in told.iter().filter(counted) {
        let generation = passage.permit.generation;
        let count = failures.entry(generation).or_default();
        *count += 1;
        ensure!(*count <= rule.count, "{count} failures counted in {generation}, which {} open", rule.count);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tidegate::{HalfOpen, Permit};

    const GENERATION: u64 = 1_000_000;

    fn breaker() -> CircuitBreakerConfig {
        let half_open = HalfOpen { probes: 1, successes: 1, permit_ms: 1, ..HalfOpen::default() };
        let within = Duration::from_mins(1);
        CircuitBreakerConfig::failures("payments", 2, within).open_for(Duration::from_millis(1)).half_open(half_open)
    }

    fn passage(generation: u64, probe: u32, start_us: u64, telling_us: u64) -> Passage {
        let permit = Permit { generation, admitted_at_us: start_us, probe, degraded: false };
        Passage { start_us, end_us: start_us + 1, permit, told: None, telling_us }
    }

    fn failed(mut passage: Passage, opens: bool) -> Passage {
        passage.told = Some(Told {
            end_us: passage.telling_us + 1,
            effect: "counted-failure".to_owned(),
            state: if opens { "open" } else { "closed" }.to_owned(),
            cause: opens.then(|| "failures".to_owned()),
            generation: if opens { passage.telling_us } else { passage.permit.generation },
            degraded: false,
        });
        passage
    }

    fn holds(passages: &[Passage]) -> Result<()> {
        check(&breaker(), passages, Keeper::Store, &Line::whole())
    }

    /// Opens at 1,000,100.
    fn tripped() -> Vec<Passage> {
        [(50, false), (100, true)].map(|(us, opens)| failed(passage(7, 0, GENERATION, GENERATION + us), opens)).into()
    }

    #[test]
    fn an_open_circuit_admits_nothing_before_its_time_is_over() {
        let with = |other| [tripped(), vec![other]].concat();
        let over_us = GENERATION + 1_100;
        holds(&with(passage(7, 0, GENERATION + 100, over_us))).expect("it was asked before anybody heard");
        holds(&with(passage(over_us, 1, over_us, over_us + 9))).expect("its time is over");
        holds(&with(passage(7, 0, GENERATION + 102, over_us))).expect_err("it was open");
        holds(&with(passage(over_us - 50, 1, over_us, over_us + 9))).expect_err("half-open too soon");
    }

    #[test]
    fn what_another_line_did_shows_nothing() {
        let (until, from) = (Line::until(GENERATION + 101), Line::from(GENERATION + 102));
        let all = [tripped(), vec![passage(0, 0, GENERATION + 102, GENERATION + 110)]].concat();
        holds(&all).expect_err("in one line");
        for line in [until, from] {
            check(&breaker(), &all, Keeper::Store, &line).expect("in two");
        }
        check(&breaker(), &all, Keeper::Host, &Line::whole()).expect("no host was alone");
    }

    #[test]
    fn a_place_is_taken_until_its_outcome_is_told_or_its_time_is_over() {
        let first = passage(9, 1, GENERATION, GENERATION + 5_000);
        let second = |probe, start_us| passage(9, probe, GENERATION + start_us, GENERATION + start_us + 10);
        holds(&[first.clone(), second(2, 500)]).expect_err("two at once");
        holds(&[first.clone(), second(2, 1_000)]).expect("the first is lost");
        holds(&[first.clone(), second(1, 1_000)]).expect_err("the same probe");
        holds(&[passage(9, 1, GENERATION, GENERATION + 400), second(2, 500)]).expect("one after the other");
    }

    #[test]
    fn the_failure_that_opens_a_circuit_is_the_last_that_counts() {
        holds(&tripped()).expect("the second opens it");
        let third = failed(passage(7, 0, GENERATION, GENERATION + 100), false);
        holds(&[tripped(), vec![third]].concat()).expect_err("a third counted");
    }
}
