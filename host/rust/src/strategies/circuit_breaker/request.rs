//! Calls of a circuit breaker as data.

use crate::runtime::wit::circuit_breaker::{Effect, Error, Mode, Permit, Report, Settle, State};
use crate::store::memory::forgetting::HEAVIEST;
use crate::strategy::Strategy;

/// The strategy: a breaker of the component.
#[derive(Debug)]
pub(crate) struct Breakers;

/// A call of a breaker on one circuit.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Admit,
    Succeeded { permit: Permit, elapsed_ms: u64 },
    Failed { permit: Permit, elapsed_ms: u64, errors: Vec<Error> },
    Cancelled { permit: Permit, elapsed_ms: u64 },
    Status,
    SetMode { mode: Mode },
    Reset,
}

impl Request {
    /// The same outcome of a call with another permit.
    pub(super) fn with_permit(mut self, own: Permit) -> Self {
        match &mut self {
            Self::Succeeded { permit, .. } | Self::Failed { permit, .. } | Self::Cancelled { permit, .. } => {
                *permit = own;
            }
            Self::Admit | Self::Status | Self::SetMode { .. } | Self::Reset => {}
        }
        self
    }
}

impl Strategy for Breakers {
    const TAG: &'static str = "cb";
    const OUTLASTS_OUTAGE: bool = false;

    fn weight(report: &Report, _before: u32) -> u32 {
        weight(report)
    }

    fn refuses(report: &Report) -> bool {
        refuses(report)
    }

    fn gives(request: &Request) -> bool {
        matches!(request, Request::Admit)
    }

    fn undo(request: &Request, report: &Report) -> Option<Request> {
        let admitted = Self::gives(request) && report.effect == Effect::Admitted;
        admitted.then_some(Request::Cancelled { permit: report.permit, elapsed_ms: 0 })
    }

    fn settles_later(report: &Report) -> bool {
        report.settle == Settle::Later
    }

    fn goes_ahead(request: &Request) -> bool {
        matches!(request, Request::Admit)
    }

    /// Successes of one generation that are no probes.
    fn repeats(request: &Request, before: &Request) -> bool {
        let (Request::Succeeded { permit, .. }, Request::Succeeded { permit: before, .. }) = (request, before) else {
            return false;
        };
        permit.generation == before.generation && permit.probe == 0 && before.probe == 0
    }
}

/// A circuit that is not closed, or that somebody has ordered a mode for, protects more than any
/// count says.
pub(super) fn weight(report: &Report) -> u32 {
    if report.state == State::Closed && report.mode == Mode::Normal {
        return report.failures.max(report.consecutive).max(report.failed);
    }
    HEAVIEST
}

pub(super) fn refuses(report: &Report) -> bool {
    matches!(report.effect, Effect::RefusedOpen | Effect::RefusedProbes | Effect::RefusedForced)
}
