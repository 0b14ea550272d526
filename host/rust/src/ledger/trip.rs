//! A batch on its way.

use std::sync::Arc;

use super::known::Known;
use crate::away::Passage;
use crate::call::AnyCall;
use crate::key::EntityKey;

/// The calls of a lane that go out together, and what they go by.
pub(super) struct Trip<'a> {
    pub(super) key: &'a Arc<EntityKey>,
    pub(super) batch: Vec<AnyCall>,
    pub(super) known: Known,
    pub(super) passage: Option<Passage<'a>>,
}
