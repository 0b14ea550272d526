//! Runs simulations.
use tidegate_simulation::{checks, flaw, generate, run};
fn main() {
    let arg: Vec<String> = std::env::args().collect();
    let from: u64 = arg[1].parse().unwrap(); let to: u64 = arg[2].parse().unwrap();
    let trial = run::Trial { flaw: arg.get(3).and_then(|f| flaw::named(f)), ..Default::default() };
    let mut bad = 0; let started = std::time::Instant::now(); let mut by = std::collections::BTreeMap::new();
    for seed in from..to {
        let record = run::run(generate::scenario(seed), &trial);
        let found = checks::check(&record);
        if let Ok(tag) = std::env::var("TAG") { let mut c: Vec<_> = record.on(&tag).collect(); c.sort_by_key(|c| c.ended.1); for c in c { println!("{} {:?}..{:?} h{} a{} {:?} -> {:?}", c.commit.map_or(-1, |c| c as i64), c.asked, c.ended, c.host, c.actor, c.ask, c.answer); } }
        if !found.is_empty() { bad += 1; *by.entry(found[0].promise).or_insert(0) += 1;
          if bad < 4 || arg.len() > 4 { println!("{seed}: {} violations\n{}", found.len(), record.scenario.described()); for v in found.iter().take(3) { println!("   {} {:.1500}", v.promise, v.what); } } }
    }
    println!("{bad} of {} bad {:?} in {:?}", to - from, by, started.elapsed());
}
