//! What must hold over several processes on one real store.

mod circuits;
mod clocks;
mod cluster;
mod crashes;
mod fairness;
mod fixtures;
mod limits;
mod mixed;
mod queues;
