//! Calls that go through the component together.

use std::sync::Arc;

use super::guest;
use crate::store::MemoryStore;
use crate::{Limit, ManualClock, Memory, RateLimiterConfig, Tidegate};

/// The component here has no `try-acquire-many`: it traps. What it would have decided is then
/// decided one by one.
#[tokio::test]
async fn those_that_trap_together_are_run_one_by_one() {
    let clock = ManualClock::new();
    let store = MemoryStore::new(Memory::new(), Arc::new(clock.clone()));
    let on_store = Tidegate::builder().store(store).no_store_watch();
    for builder in [on_store, Tidegate::builder().memory(Memory::new())] {
        let builder = builder.component(guest::component(guest::POLICY)).clock(clock.clone());
        let gate = builder.build().expect("the component is of the world");
        let config = RateLimiterConfig::new("api", Limit::per_second(guest::DECIDES));
        let limiter = gate.rate_limiter(config).expect("the guest takes it");
        let decisions = limiter.try_acquire_many(["a"; 12]).await;
        let allowed = decisions.into_iter().filter(|it| it.as_ref().is_ok_and(crate::Decision::is_allowed)).count();
        assert_eq!(allowed, 10, "a burst of ten");
        assert!(gate.stats().runtime.traps >= 2);
    }
}
