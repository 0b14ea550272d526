//! The simulation itself: it finds nothing wrong in what is right, finds what is wrong, and does
//! the same again for the same seed.

mod mutations;
mod promises;
mod replays;
mod store;
