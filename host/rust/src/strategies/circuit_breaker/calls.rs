//! Makes the calls of a circuit breaker.

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::request::{Breakers, Request};
use crate::runtime::wit::circuit_breaker::{Config, Report};
use crate::runtime::wit::types::Problem;
use crate::runtime::{Exports, Guest, HostState};

impl Exports for Breakers {
    type Config = Config;
    type Request = Request;
    type Answer = Report;

    fn open(
        config: &Config,
        guest: &Guest,
        store: &mut Store<HostState>,
    ) -> wasmtime::Result<Result<ResourceAny, Vec<Problem>>> {
        guest.tidegate_policy_circuit_breaker().breaker().call_open(store, config)
    }

    fn call(
        request: &Request,
        entity: u32,
        guest: &Guest,
        store: &mut Store<HostState>,
        breaker: ResourceAny,
    ) -> wasmtime::Result<Report> {
        let calls = guest.tidegate_policy_circuit_breaker().breaker();
        match request {
            Request::Admit => calls.call_admit(store, breaker, entity),
            Request::Succeeded { permit, elapsed_ms } => {
                calls.call_succeeded(store, breaker, entity, *permit, *elapsed_ms)
            }
            Request::Failed { permit, elapsed_ms, errors } => {
                calls.call_failed(store, breaker, entity, *permit, *elapsed_ms, errors)
            }
            Request::Cancelled { permit, elapsed_ms } => {
                calls.call_cancelled(store, breaker, entity, *permit, *elapsed_ms)
            }
            Request::Status => calls.call_status(store, breaker, entity),
            Request::SetMode { mode } => calls.call_set_mode(store, breaker, entity, *mode),
            Request::Reset => calls.call_reset(store, breaker, entity),
        }
    }
}
