//! Makes the calls of a circuit breaker.

use std::convert::Infallible;

use wasmtime::Store;

use super::request::{Breakers, Request};
use crate::runtime::wit::circuit_breaker::{Config, Report};
use crate::runtime::wit::types::Problem;
use crate::runtime::{Exports, Guest, HostState, Resource};

impl Exports for Breakers {
    type Config = Config;
    type Request = Request;
    type Answer = Report;
    type Stand = Infallible;

    fn open(
        config: &Config,
        guest: &Guest,
        store: &mut Store<HostState>,
    ) -> wasmtime::Result<Result<Resource, Vec<Problem>>> {
        guest.breaker_open(store, config)
    }

    fn call(
        request: &Request,
        entity: u32,
        guest: &Guest,
        store: &mut Store<HostState>,
        breaker: Resource,
    ) -> wasmtime::Result<Report> {
        match request {
            Request::Admit => guest.breaker_admit(store, breaker, entity),
            Request::Succeeded { permit, elapsed_ms } => {
                guest.breaker_succeeded(store, breaker, entity, *permit, *elapsed_ms)
            }
            Request::Failed { permit, elapsed_ms, errors } => {
                guest.breaker_failed(store, breaker, entity, *permit, *elapsed_ms, errors)
            }
            Request::Cancelled { permit, elapsed_ms } => {
                guest.breaker_cancelled(store, breaker, entity, *permit, *elapsed_ms)
            }
            Request::Status => guest.breaker_status(store, breaker, entity),
            Request::SetMode { mode } => guest.breaker_set_mode(store, breaker, entity, *mode),
            Request::Reset => guest.breaker_reset(store, breaker, entity),
        }
    }
}
