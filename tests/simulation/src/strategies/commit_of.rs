//! Which commit an answer comes from.

use super::asked::{Answer, Ask};
use crate::record::{Applied, Call};

/// The commit that an answer comes from. A call that waited by itself is told apart by the time of
/// its decision; any other ends as soon as its reply comes, and one that took no time was answered
/// from what the host knew. One that was answered without the store comes from none, though a reply
/// to another may have come just then.
pub(crate) fn commit_of(call: &Call, answer: &Answer, heard: &[(u64, usize)], applied: &[Applied]) -> Option<usize> {
    let since = heard.iter().rev().take_while(|(at_us, _)| *at_us > call.asked.0).map(|(_, commit)| *commit);
    match (answer, &call.ask) {
        _ if answer.is_degraded() => None,
        // Let go on a lease: by the commit that took it.
        (Answer::Decision(decision), _) if decision.leased => {
            let charged_us = decision.charged_at_us?;
            // Replies overtake each other, so the latest is not always that of the latest commit.
            let mut taken = heard.iter().rev().map(|(_, commit)| *commit);
            let exactly = taken.clone().find(|commit| applied[*commit].at_us == charged_us);
            exactly.or_else(|| taken.find(|commit| applied[*commit].at_us <= charged_us))
        }
        (Answer::Decision(decision), Ask::Acquire(..)) => {
            since.into_iter().find(|commit| applied[*commit].at_us == decision.at_us)
        }
        (Answer::Decision(_) | Answer::Report(_) | Answer::Cancelled(_), _) => {
            let (at_us, commit) = heard.last()?;
            (*at_us == call.ended.0 && call.asked.0 < *at_us).then_some(*commit)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_without_the_store_comes_from_no_commit() {
        let gate = tidegate::blocking::Tidegate::builder().build().expect("the component loads");
        let config = tidegate::RateLimiterConfig::new("any", tidegate::Limit::per_second(5));
        let limiter = gate.rate_limiter(config).expect("it is valid");
        let answer = |degraded| {
            let decision = limiter.peek("k").expect("the memory store answers");
            Answer::Decision(Box::new(tidegate::Decision { degraded, ..decision }))
        };
        let (tag, ask) = ("rl:any:k".to_owned(), Ask::Peek);
        let (asked, ended) = ((50, 1), (100, 2));
        let call =
            Call { host: 0, actor: 0, tag, ask, asked, ended, commit: None, answer: Answer::Pending, epilogue: false };
        let heard = [(100, 7)];
        assert_eq!(commit_of(&call, &answer(false), &heard, &[]), Some(7));
        assert_eq!(commit_of(&call, &answer(true), &heard, &[]), None);
    }
}
