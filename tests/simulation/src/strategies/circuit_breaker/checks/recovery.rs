//! No circuit is open for ever.

use tidegate::State;

use crate::record::Call;
use crate::strategies::asked::{Answer, Ask};

/// What was lost, by a call that was made after calls which succeeded.
pub(crate) fn lost(call: &Call) -> Option<String> {
    let Answer::Report(report) = &call.answer else { return None };
    let is_open = call.ask == Ask::Status && report.state != State::Closed;
    is_open.then(|| format!("{}: the circuit did not close: {report:?}", call.tag))
}
