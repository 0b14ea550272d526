//! What the tests of real faults stand on: a [`proxy`] that does to connections what networks do, and lines ([`mod@line`]), which
//! say what a store that lost something can be held to.

pub mod line;
pub mod proxy;
