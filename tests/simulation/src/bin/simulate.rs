//! Runs simulations.
fn main() {
    let started = std::time::Instant::now();
    for seed in 0..20 {
        let record = tidegate_simulation::run::run(tidegate_simulation::generate::scenario(seed), &Default::default());
        println!("{seed} {} calls {} commits {} us {:?} leftover {}", record.calls.len(), record.commits.len(), record.ended_us, started.elapsed(), record.leftover.len());
    }
}
