//! A seeded simulation of fleets of hosts that tries to break what Tidegate promises.
//!
//! Every host is a real `Tidegate` with the real component and the real ledger. The store, the
//! network, the clocks and time itself are models on one thread, and one seed decides everything.
//! What callers and the store observed is written down, and checkers that see only this record
//! derive from it whether each promise was kept. See the README beside this crate's manifest.

pub mod actor;
pub mod cells;
pub mod checks;
pub mod clock;
pub mod flaw;
pub mod generate;
pub mod hiccups;
pub mod jumps;
pub mod link;
pub mod mutant;
pub mod mutants;
pub mod node;
pub mod random;
pub mod record;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod strategies;
pub mod timeline;
pub mod world;
