mod batches;
mod guest;
mod loading;
mod sharing;
mod values;

use std::sync::{Arc, LazyLock};

use tidegate_test_support::component::with_other_inside;

use super::wit::rate_limiter::{Algorithm, Bucket, Config, Decision, Limit, OnLimit, Window, WindowUnit};
use super::{ComponentSource, Policy, RunError, Runtime, RuntimeOptions};
use crate::strategies::rate_limiter::{self, Limiters};
use crate::transaction::{CellValue, Transaction};

/// The time of the transactions here, in microseconds since 1970.
const NOW_US: u64 = 1_700_000_000_123_456;

static POLICY: LazyLock<Arc<[u8]>> = LazyLock::new(|| guest::component(guest::POLICY).into());

/// The same with another inside, which runs by the component API.
static OTHER_INSIDE: LazyLock<Arc<[u8]>> = LazyLock::new(|| with_other_inside(&POLICY).into());

/// The tests of all that a host asks of a component, for components of one inside.
macro_rules! runs_by {
    ($way:ident, $component:expr) => {
        #[path = "."]
        #[allow(clippy::duplicate_mod, reason = "the same tests hold both ways")]
        mod $way {
            use super::*;

            fn options() -> RuntimeOptions {
                RuntimeOptions {
                    component: ComponentSource::Bytes(Arc::clone($component)),
                    ..RuntimeOptions::default()
                }
            }

            /// A runtime of its own, with one instance.
            fn runtime() -> Arc<Runtime> {
                Runtime::load(&RuntimeOptions { instances: 1, ..options() }).expect("it is of the world").into()
            }

            #[path = "policies.rs"]
            mod policies;
            #[path = "runs.rs"]
            mod runs;
        }
    };
}

runs_by!(core_module, &POLICY);
runs_by!(component_api, &OTHER_INSIDE);

fn options() -> RuntimeOptions {
    RuntimeOptions { component: ComponentSource::Bytes(Arc::clone(&POLICY)), ..RuntimeOptions::default() }
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
        let decision = guest.limiter_try_acquire(store, limiter, 0, 1)?;
        Ok(decision.expect("the guest knows no fault"))
    })
}

/// The cell that the guest's decisions move.
fn moved(tx: &mut Transaction) -> Option<CellValue> {
    tx.entity_mut(0).shared.get(0, NOW_US).cloned()
}
