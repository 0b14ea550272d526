//! After all faults, and after all that was charged has come back: a host that knows nothing asks
//! for everything.

use std::sync::Arc;

use crate::actor::Host;
use crate::strategies;
use crate::strategies::asked::Answer;
use crate::world::World;

/// How often a host is asked until it answers from the store.
pub(crate) const MAX_VISITS: u32 = 10;

/// Cuts a host off for one call on each policy that lets calls go without the store.
pub(crate) async fn go_without(world: Arc<World>, host: Host) {
    strategies::go_without(&world, &host).await;
}

/// Asks on a host that was there all the time: it has noticed that the store is back.
pub(crate) async fn revisit(world: Arc<World>, host: Host) {
    strategies::revisit(&world, &host).await;
    host.gate.flush().await;
}

/// Asks every entity.
pub(crate) async fn audit(world: Arc<World>, host: Host) {
    strategies::audit(&world, &host).await;
    host.gate.flush().await;
}

#[expect(clippy::needless_pass_by_value, reason = "it ends a chain of results")]
pub(crate) fn failed(error: tidegate::Error) -> Answer {
    Answer::Error(error.to_string())
}
