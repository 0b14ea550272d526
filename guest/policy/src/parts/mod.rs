//! What strategies are made of, and share. No part knows a strategy.

pub(crate) mod cells;
pub(crate) mod expiring;
pub(crate) mod geometry;
pub(crate) mod queue;
pub(crate) mod sample;
