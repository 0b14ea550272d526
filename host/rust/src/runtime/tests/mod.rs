mod batches;
mod guest;
mod loading;
mod policies;
mod runs;
mod sharing;

use std::sync::{Arc, LazyLock};

use super::wit::rate_limiter::{Algorithm, Bucket, Config, Decision, Limit, OnLimit, Window, WindowUnit};
use super::{ComponentSource, Policy, RunError, Runtime, RuntimeOptions};
use crate::strategies::rate_limiter::{self, Limiters};
use crate::transaction::{CellValue, Transaction};

/// The time of the transactions here, in microseconds since 1970.
const NOW_US: u64 = 1_700_000_000_123_456;

static POLICY: LazyLock<Arc<[u8]>> = LazyLock::new(|| guest::component(guest::POLICY).into());

fn options() -> RuntimeOptions {
    RuntimeOptions { component: ComponentSource::Bytes(Arc::clone(&POLICY)), ..RuntimeOptions::default() }
}

/// A runtime of its own, with one instance.
fn runtime() -> Arc<Runtime> {
    Runtime::open(&RuntimeOptions { instances: 1, ..options() }).expect("the component is of the world")
}

/// A configuration that has the guest behave so.
fn config(behaviour: u32) -> rate_limiter::Config {
    let window = Window { unit: WindowUnit::Second, count: 1 };
    let limit = Limit { limit: behaviour, window, algorithm: Algorithm::Gcra(Bucket { burst: None }) };
    rate_limiter::Config::Whole(Config { limits: vec![limit], on_limit: OnLimit::Reject, lease: None })
}

fn open(runtime: &Runtime, behaviour: u32) -> Policy<Limiters> {
    runtime.open_policy(config(behaviour)).expect("the guest takes the configuration")
}

/// A transaction on the true cells of one entity.
fn direct() -> Transaction {
    let mut tx = Transaction::default();
    tx.begin_direct(NOW_US, 1);
    tx
}

/// One call of the guest.
fn acquire(runtime: &Runtime, policy: &Policy<Limiters>, tx: &mut Transaction) -> Result<Decision, RunError> {
    runtime.run(policy, tx, |guest, store, limiter| {
        let decision = guest.tidegate_policy_rate_limiter().limiter().call_try_acquire(store, limiter, 0, 1)?;
        Ok(decision.expect("the guest knows no fault"))
    })
}

/// The cell that the guest's decisions move.
fn moved(tx: &mut Transaction) -> Option<CellValue> {
    tx.entity_mut(0).shared.get(0, NOW_US).cloned()
}
