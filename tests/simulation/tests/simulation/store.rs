//! The model store does what every store must do, and what the script does on a real Redis.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use proptest::prelude::*;
use tidegate::store::redis::Redis;
use tidegate::store::{BoxFuture, Commit, Reply, Store, StoreError};
use tidegate_simulation::cells::CellStore;
use tidegate_test_support::redis_server::RedisServer;
use tidegate_test_support::store_suite::{self, Bench, Subject, batches, follows_the_model};

/// The cells of the model, with a clock that is moved by hand.
#[derive(Debug)]
struct Cells {
    cells: Mutex<CellStore>,
    clock_us: AtomicU64,
}

impl Cells {
    fn new() -> Self {
        Self { cells: Mutex::new(CellStore::new(None)), clock_us: AtomicU64::new(1_767_268_800_000_000) }
    }
}

impl Store for Cells {
    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Reply, StoreError>> {
        let (reply, _) = self.cells.lock().commit(commit, self.clock_us.load(Ordering::Relaxed));
        Box::pin(std::future::ready(Ok(reply)))
    }
}

impl Subject for Cells {
    fn store(&self) -> &dyn Store {
        self
    }

    fn pass_ms(&self, ms: u64) -> BoxFuture<'_, ()> {
        self.clock_us.fetch_add(ms * 1_000, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

#[test]
fn does_what_every_store_must_do() {
    runtime().block_on(store_suite::run(&Cells::new()));
}

proptest! {
    #[test]
    fn random_batches_give_what_the_model_of_all_stores_gives(batches in batches()) {
        let cells = Cells::new();
        runtime().block_on(follows_the_model(&Bench::new(&cells), &batches))?;
    }
}

#[test]
fn random_batches_give_what_the_script_gives() {
    let runtime = runtime();
    let server = RedisServer::start().expect("redis-server starts");
    let connect = Redis::builder(&server.url()).timeout_ms(10_000).connect();
    let redis = runtime.block_on(connect).expect("the store connects");
    proptest!(|(batches in batches())| {
        let cells = Cells::new();
        let (plain, script) = (Bench::new(&cells), Bench::new(&redis));
        for batch in &batches {
            let (ours, theirs) = runtime.block_on(async {
                (plain.commit(batch.clone()).await, script.commit(batch.clone()).await)
            });
            prop_assert_eq!(&ours.outcome, &theirs.outcome, "{:?}", batch);
            prop_assert_eq!(ours.foreign, theirs.foreign, "{:?}", batch);
        }
    });
}
