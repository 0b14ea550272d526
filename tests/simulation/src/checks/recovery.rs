//! No permit is lost for ever: after all faults, and after what was charged has come back,
//! everything can be had again.

use tidegate::State;

use super::{Violation, decision, limiter_of};
use crate::actor::room;
use crate::record::{Answer, Ask, Record};

pub(super) fn check(record: &Record, found: &mut Vec<Violation>) {
    let mut lost = |what: String| found.push(Violation { promise: "no permit is lost for ever", what });
    let epilogue: Vec<_> = record.calls.iter().filter(|call| call.epilogue).collect();
    for call in &epilogue {
        if let Answer::Error(error) = &call.answer {
            lost(format!("{}: {:?} ended in {error}", call.tag, call.ask));
        }
        if call.answer.is_degraded() {
            lost(format!("{}: {:?} was answered without the store", call.tag, call.ask));
        }
        let Some(config) = limiter_of(&record.scenario, &call.tag) else { continue };
        let all = room(config);
        match (&call.ask, decision(call)) {
            (Ask::Peek, Some(decision)) if decision.remaining < all || decision.waiting > 0 => {
                lost(format!(
                    "{}: of {all} permits {} are left, {} wait",
                    call.tag, decision.remaining, decision.waiting
                ));
            }
            (Ask::TryAcquire(_), Some(decision)) if !decision.is_allowed() => {
                lost(format!("{}: not all of {all} permits can be had: {decision:?}", call.tag));
            }
            _ => {}
        }
    }
    for call in epilogue.iter().filter(|call| call.ask == Ask::Status) {
        if let Answer::Report(report) = &call.answer
            && report.state != State::Closed
        {
            lost(format!("{}: the circuit did not close: {report:?}", call.tag));
        }
    }
}
