//! No permit is lost for ever.

use tidegate::RateLimiterConfig;

use super::decision;
use crate::record::Call;
use crate::strategies::asked::Ask;
use crate::strategies::rate_limiter::settings::room;

/// What was lost, by a call that was made when nothing counted any more.
pub(crate) fn lost(config: &RateLimiterConfig, call: &Call) -> Option<String> {
    let (all, decision) = (room(config), decision(call)?);
    match &call.ask {
        Ask::Peek if decision.remaining < all || decision.waiting > 0 => {
            Some(format!("{}: of {all} permits {} are left, {} wait", call.tag, decision.remaining, decision.waiting))
        }
        Ask::TryAcquire(_) if !decision.is_allowed() => {
            Some(format!("{}: not all of {all} permits can be had: {decision:?}", call.tag))
        }
        _ => None,
    }
}
