//! A store that is there and takes no writes.

use crate::fixtures::{Fleet, place, server};

#[test]
fn a_store_out_of_memory_refuses_calls_and_keeps_all_that_was_charged() {
    let server = server();
    let mut fleet = Fleet::start(&place(&server.url()));
    for _ in 0..2 {
        server.configure("maxmemory", "1").expect("it is set");
        fleet.failed("OOM");
        server.configure("maxmemory", "0").expect("it is set");
        fleet.served();
    }
    let aftermath = fleet.end();
    aftermath.failed_only_by(&["OOM", "did not answer within"]);
    aftermath.kept_promises();
}
