//! The workflow nodes: JSON in, the policies' decisions, JSON out.

mod circuit;
mod common;
mod config;
mod limiter;
mod registry;
mod schema;
mod subject;
