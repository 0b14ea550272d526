//! What is decided without the store is what the configuration says, and is said to be.

use tidegate::{CircuitBreakerConfig, Effect, WhenAway};

use super::Violation;
use crate::checks::not_as_configured;
use crate::record::Record;
use crate::strategies::asked::{Answer, Ask};

pub(super) fn check(record: &Record, tag: &str, config: &CircuitBreakerConfig, found: &mut Vec<Violation>) {
    for call in record.on(tag).filter(|call| call.ask == Ask::Admit) {
        let Answer::Report(report) = &call.answer else { continue };
        let admitted = report.effect == Effect::Admitted;
        let wrong = match config.when_away {
            WhenAway::Error => true,
            WhenAway::Open => !admitted,
            WhenAway::Closed => admitted,
            WhenAway::Share { .. } | WhenAway::Own => false,
        };
        if report.degraded && wrong {
            found.push(not_as_configured(tag, config.when_away, call));
        }
    }
}
