//! What guarded calls are made of, for those who write functions over them. Others do not need
//! these names: see [`CircuitBreaker::guard`](crate::CircuitBreaker::guard).

pub use crate::strategies::circuit_breaker::{
    AnyError, AsTold, CallFailure, FailureIf, FailureOf, Given, Guard, Held, Never, ResultFailure, Typed,
};
