//! What several processes keep to while the store they share fails, as real stores do. See the
//! README for the table.

mod away;
mod circuits;
mod cluster;
mod connections;
mod crashes;
mod failover;
mod fixtures;
mod leases;
mod mixed;
mod refusals;
mod rights;
