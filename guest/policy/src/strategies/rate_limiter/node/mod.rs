//! The rate limiter node: whom it limits, and the steps of one call.

mod config;
mod token;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use self::config::DECLARATION;
pub(crate) use self::config::ENTRY;
use self::config::{keys, limit, name, on_limit, renamed};
use self::token::Token;
use super::{Config, Decision, RateLimiter, Verdict};
use crate::kv::{Clock, Kv};
use crate::nodes::json::{self, Object, Writer, quoted};
use crate::nodes::merge::{merge, no_object};
use crate::nodes::path::Path;
use crate::problem::Problem;

/// A time in a token that is further ahead of the clock than this, and the longest wait, cannot be
/// true.
const AHEAD_US: u64 = 86_400_000_000;

/// A checked configuration of a rate limiter node. It holds no state of any key.
#[derive(Debug, Clone)]
pub struct RateLimiterNode {
    limiter: RateLimiter,
    limit: u32,
    timeout_us: u64,
    name: String,
    /// Where the key may be, the first that is there; empty: one key for all.
    keys: Vec<Path>,
    priority: Option<Path>,
    output_variable: Option<String>,
}

/// What a node limits for one context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The name of the limiter.
    pub name: String,
    /// The key.
    pub key: String,
    /// In a queue, higher goes first.
    pub priority: i32,
}

/// One step of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Whether this is the end.
    pub done: bool,
    /// Whether the call passed.
    pub passed: bool,
    /// Until to come back.
    pub wait_ms: u64,
    /// What to come back with, or what gives the permit back.
    pub token: String,
    /// The result as JSON.
    pub result: String,
}

/// How a call began.
#[derive(Debug, Clone, Copy)]
struct Begun {
    started_us: u64,
    /// Its first position in the queue; 0: it never was in it.
    position: u32,
}

impl RateLimiterNode {
    /// Checks a configuration.
    ///
    /// # Errors
    /// All its problems.
    pub fn open(config: &str) -> Result<Self, Vec<Problem>> {
        let values = DECLARATION.read(config)?;
        let on_limit = on_limit(&values);
        let config = Config { limits: alloc::vec![limit(&values)], on_limit, lease: None };
        let limiter = RateLimiter::open(&config).map_err(renamed)?;
        let keys = keys(&values);
        Ok(Self {
            limiter,
            limit: values.small("limit"),
            timeout_us: values.whole("queueTimeoutMs").saturating_mul(1_000),
            name: name(&values, &keys),
            keys,
            priority: values.path("priorityField"),
            output_variable: values.string("outputVariable"),
        })
    }

    /// The members of the context that [`Self::subject`] looks at.
    pub fn reads(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for path in self.keys.iter().chain(&self.priority) {
            if !names.iter().any(|known| known == path.head()) {
                names.push(path.head().to_string());
            }
        }
        names
    }

    /// Where results go in the context.
    pub fn output_variable(&self) -> Option<&str> {
        self.output_variable.as_deref()
    }

    /// What is limited for this context.
    ///
    /// # Errors
    /// A key or a priority that is missing or not of its type.
    pub fn subject(&self, context: &str) -> Result<Subject, Vec<Problem>> {
        let context = Object::read(context).ok_or_else(|| no_object("context", context))?;
        let (key, priority) = (self.key(&context), self.priority(&context));
        match (key, priority) {
            (Ok(key), Ok(priority)) => Ok(Subject { name: self.name.clone(), key, priority }),
            (key, priority) => Err(key.err().into_iter().chain(priority.err()).collect()),
        }
    }

    /// One step of a call.
    ///
    /// # Errors
    /// A token that no step has given.
    pub fn step<W: Kv + Clock>(
        &self,
        world: &mut W,
        entity: u32,
        priority: i32,
        token: &str,
    ) -> Result<Step, Vec<Problem>> {
        if token.is_empty() {
            let decision = self.acquire(world, entity, priority, 0);
            let begun = Begun { started_us: decision.at_us, position: decision.position };
            return Ok(self.answer(&decision, begun));
        }
        let now_us = world.now_us();
        match self.held(token, now_us) {
            Some(Token::Queued { started_us, position, ticket }) => {
                let decision = self.acquire(world, entity, priority, ticket);
                Ok(self.answer(&decision, Begun { started_us, position }))
            }
            Some(Token::Placed { place_us, .. }) if place_us > now_us => {
                let wait_ms = (place_us - now_us).div_ceil(1_000);
                Ok(Step::not_done(wait_ms, token.to_string()))
            }
            Some(Token::Placed { started_us, place_us, full_at_us }) => {
                let decision = self.peek(world, entity);
                let begun = Begun { started_us, position: 0 };
                Ok(self.passed(&Decision { charged_at_us: place_us, full_at_us, ..decision }, begun))
            }
            Some(Token::Passed { .. }) | None => Err(bad_token(token)),
        }
    }

    /// Gives back what a token holds; false: nothing.
    pub fn abandon<W: Kv + Clock>(&self, world: &mut W, entity: u32, token: &str) -> bool {
        match self.held(token, world.now_us()) {
            None => false,
            Some(Token::Queued { ticket, .. }) => self.limiter.cancel(world, entity, ticket),
            Some(
                Token::Placed { place_us: at_us, full_at_us, .. } | Token::Passed { charged_at_us: at_us, full_at_us },
            ) => {
                self.limiter.refund(world, entity, 1, at_us, full_at_us);
                true
            }
        }
    }

    /// The context with a result.
    ///
    /// # Errors
    /// What is not an object.
    pub fn output(&self, context: &str, result: &str) -> Result<String, Vec<Problem>> {
        merge(context, result, self.output_variable())
    }

    fn key(&self, context: &Object<'_>) -> Result<String, Problem> {
        let Some(first) = self.keys.first() else { return Ok(String::new()) };
        let given = |path| Path::find(path, context).filter(|value| *value != "null").map(|value| (path, value));
        let Some((path, value)) = self.keys.iter().find_map(given) else {
            let also = self.keys.get(1).map(|path| format!(", here or at {}", at(path))).unwrap_or_default();
            let allowed = format!("{KEY}{also}");
            let value = first.find(context).unwrap_or("missing").to_string();
            return Err(Problem { path: at(first), value, allowed });
        };
        let key = json::string(value).filter(|text| !text.is_empty()).or_else(|| json::whole(value));
        key.ok_or_else(|| Problem { path: at(path), value: quoted(value), allowed: KEY.to_string() })
    }

    fn priority(&self, context: &Object<'_>) -> Result<i32, Problem> {
        let Some(path) = &self.priority else { return Ok(0) };
        let Some(value) = path.find(context).filter(|value| *value != "null") else { return Ok(0) };
        let allowed = || format!("a whole number from {} to {}", i32::MIN, i32::MAX);
        json::whole(value).and_then(|digits| digits.parse().ok()).ok_or_else(|| Problem {
            path: at(path),
            value: quoted(value),
            allowed: allowed(),
        })
    }

    fn acquire<W: Kv + Clock>(&self, world: &mut W, entity: u32, priority: i32, ticket: u64) -> Decision {
        self.limiter.acquire(world, entity, 1, priority, ticket).expect("one permit fits or the limit is 0")
    }

    fn peek<W: Kv + Clock>(&self, world: &mut W, entity: u32) -> Decision {
        self.limiter.peek(world, entity, 1).expect("one permit fits or the limit is 0")
    }

    /// What a token says, if a step can have given it by now.
    fn held(&self, token: &str, now_us: u64) -> Option<Token> {
        let latest_us = now_us.saturating_add(AHEAD_US).saturating_add(self.timeout_us);
        Token::decode(token).filter(|token| {
            let (started_us, held_us) = token.times_us();
            started_us.max(held_us) <= latest_us
        })
    }

    fn answer(&self, decision: &Decision, begun: Begun) -> Step {
        let Begun { started_us, position } = begun;
        match decision.verdict {
            Verdict::Allowed => self.passed(decision, begun),
            Verdict::Denied => self.done(decision, begun, false, String::new()),
            Verdict::Wait if decision.ticket > 0 => {
                let token = Token::Queued { started_us, position, ticket: decision.ticket };
                Step::not_done(decision.wait_ms, token.encode())
            }
            Verdict::Wait => {
                let (place_us, full_at_us) = (decision.charged_at_us, decision.full_at_us);
                let token = Token::Placed { started_us, place_us, full_at_us };
                Step::not_done(decision.wait_ms, token.encode())
            }
        }
    }

    fn passed(&self, decision: &Decision, begun: Begun) -> Step {
        let token = Token::Passed { charged_at_us: decision.charged_at_us, full_at_us: decision.full_at_us };
        self.done(decision, begun, true, token.encode())
    }

    fn done(&self, decision: &Decision, begun: Begun, passed: bool, token: String) -> Step {
        let waited_ms = decision.at_us.saturating_sub(begun.started_us) / 1_000;
        let queued = begun.position > 0;
        let mut result = Writer::new().flag("passed", passed).flag("queued", queued).number("waitTime", waited_ms);
        if queued {
            result = result.number("queuePosition", begun.position.into());
        }
        let result = result
            .number("currentCount", decision.count.into())
            .number("limit", self.limit.into())
            .number("resetIn", decision.reset_after_ms)
            .end();
        Step { done: true, passed, wait_ms: 0, token, result }
    }
}

impl Step {
    fn not_done(wait_ms: u64, token: String) -> Self {
        Self { done: false, passed: false, wait_ms, token, result: String::new() }
    }
}

const KEY: &str = "a text that is not empty or a whole number";

fn at(path: &Path) -> String {
    format!("context.{path}")
}

fn bad_token(token: &str) -> Vec<Problem> {
    let allowed = "empty, or the token of a step that was not done".to_string();
    alloc::vec![Problem { path: "token".to_string(), value: quoted(&json::written(token)), allowed }]
}
