//! What the tests of real faults stand on: a [`proxy`] that does to connections what networks do,
//! lines ([`mod@line`]), which say what a store that lost something can be held to, and what a
//! shared [`circuit`] is held to.

pub mod circuit;
pub mod line;
pub mod proxy;
