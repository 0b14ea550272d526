//! The nodes that were opened by text, so that a configuration that comes with every call is
//! checked once.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::Mutex;

use crate::error::Error;

/// How many configurations of a kind are kept; beyond, the oldest goes.
const MAX_KEPT: usize = 256;

/// Opened nodes of all kinds.
#[derive(Debug, Default)]
pub(crate) struct Caches(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Caches {
    /// Those of one kind.
    pub(crate) fn of<T: Clone + Send + Sync + 'static>(&self) -> Arc<Cache<T>> {
        let fresh = || Arc::new(Cache::<T>::default()) as Arc<dyn Any + Send + Sync>;
        let kept = Arc::clone(self.0.lock().entry(TypeId::of::<T>()).or_insert_with(fresh));
        kept.downcast().expect("each is kept by its type")
    }
}

/// Opened nodes of one kind by the text of their configurations.
#[derive(Debug)]
pub(crate) struct Cache<T>(Mutex<IndexMap<Box<str>, T>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Cache<T> {
    /// The node of this configuration, opened if it is not kept.
    pub(crate) fn kept(&self, config: &str, open: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        if let Some(node) = self.0.lock().get(config) {
            return Ok(node.clone());
        }
        let node = open()?;
        let mut nodes = self.0.lock();
        if nodes.len() >= MAX_KEPT {
            nodes.shift_remove_index(0);
        }
        nodes.insert(config.into(), node.clone());
        Ok(node)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{Cache, MAX_KEPT};

    #[test]
    fn a_configuration_is_opened_once_until_enough_others_came() {
        let (nodes, opened) = (Cache::default(), Cell::new(0));
        let ask = |config: &str| {
            nodes.kept(config, || {
                opened.set(opened.get() + 1);
                Ok(config.to_owned())
            })
        };
        for _ in 0..3 {
            assert_eq!(ask("a").unwrap(), "a");
        }
        assert_eq!(opened.get(), 1);
        for other in 0..MAX_KEPT {
            ask(&other.to_string()).unwrap();
        }
        assert_eq!(nodes.0.lock().len(), MAX_KEPT);
        ask("a").unwrap();
        assert_eq!(opened.get(), MAX_KEPT + 2);
    }
}
