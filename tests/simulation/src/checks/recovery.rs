//! No permit is lost for ever: after all faults, and after what was charged has come back,
//! everything can be had again.

use super::Violation;
use crate::record::Record;
use crate::strategies;
use crate::strategies::asked::Answer;

pub(super) fn check(record: &Record, found: &mut Vec<Violation>) {
    let mut lost = |what: String| found.push(Violation { promise: "no permit is lost for ever", what });
    for call in record.calls.iter().filter(|call| call.epilogue) {
        if let Answer::Error(error) = &call.answer {
            lost(format!("{}: {:?} ended in {error}", call.tag, call.ask));
        }
        if call.answer.is_degraded() {
            lost(format!("{}: {:?} was answered without the store", call.tag, call.ask));
        }
        strategies::lost(&record.scenario.policies, call).into_iter().for_each(&mut lost);
    }
}
