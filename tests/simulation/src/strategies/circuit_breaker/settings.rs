//! What follows from a circuit's settings.

use tidegate::CircuitBreakerConfig;

/// After so long an open circuit is open no more, and no probe is in flight, in microseconds.
pub(crate) fn rest_us(config: &CircuitBreakerConfig) -> u64 {
    let open_ms = config.backoff.map_or(config.open_ms, |backoff| backoff.cap_ms);
    (open_ms + config.half_open.permit_ms) * 1_000
}

/// The settings in a line.
pub(crate) fn described(config: &CircuitBreakerConfig) -> String {
    let CircuitBreakerConfig { name, trip, open_ms, backoff, half_open, .. } = config;
    format!("circuit {name}: {trip:?}, open {open_ms} ms, {backoff:?}, {half_open:?}")
}
