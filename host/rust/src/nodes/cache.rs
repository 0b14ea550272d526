//! The nodes that were opened by text, so that a configuration that comes with every call is
//! checked once.

use indexmap::IndexMap;
use parking_lot::Mutex;

use super::{CircuitBreakerNode, RateLimiterNode};
use crate::error::Error;

/// How many configurations of each kind are kept; beyond, the oldest goes.
const MOST: usize = 256;

/// Opened nodes by the text of their configurations.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    limiters: Mutex<IndexMap<Box<str>, RateLimiterNode>>,
    breakers: Mutex<IndexMap<Box<str>, CircuitBreakerNode>>,
}

impl Cache {
    pub(crate) fn limiter(
        &self,
        config: &str,
        open: impl FnOnce() -> Result<RateLimiterNode, Error>,
    ) -> Result<RateLimiterNode, Error> {
        kept(&self.limiters, config, open)
    }

    pub(crate) fn breaker(
        &self,
        config: &str,
        open: impl FnOnce() -> Result<CircuitBreakerNode, Error>,
    ) -> Result<CircuitBreakerNode, Error> {
        kept(&self.breakers, config, open)
    }
}

fn kept<T: Clone>(
    nodes: &Mutex<IndexMap<Box<str>, T>>,
    config: &str,
    open: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    if let Some(node) = nodes.lock().get(config) {
        return Ok(node.clone());
    }
    let node = open()?;
    let mut nodes = nodes.lock();
    if nodes.len() >= MOST {
        nodes.shift_remove_index(0);
    }
    nodes.insert(config.into(), node.clone());
    Ok(node)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{IndexMap, MOST, Mutex, kept};

    #[test]
    fn a_configuration_is_opened_once_until_enough_others_came() {
        let (nodes, opened) = (Mutex::new(IndexMap::new()), Cell::new(0));
        let ask = |config: &str| {
            kept(&nodes, config, || {
                opened.set(opened.get() + 1);
                Ok(config.to_owned())
            })
        };
        for _ in 0..3 {
            assert_eq!(ask("a").unwrap(), "a");
        }
        assert_eq!(opened.get(), 1);
        for other in 0..MOST {
            ask(&other.to_string()).unwrap();
        }
        assert_eq!(nodes.lock().len(), MOST);
        ask("a").unwrap();
        assert_eq!(opened.get(), MOST + 2);
    }
}
