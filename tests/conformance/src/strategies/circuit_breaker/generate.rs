//! Generated calls of a breaker.

use super::call::Call;
use super::settings::settings;
use crate::generate::{Generated, Random, Script};
use crate::protocol::Failure;

pub(in super::super) fn generate(random: &mut Random) -> Generated {
    let (config, pace_us) = settings(random);
    let mut admitted = Vec::new();
    let next = Box::new(move |script: &mut Script| call(script, &mut admitted));
    Generated { kind: super::BREAKER.name, config, pace_us, next }
}

/// Adds a call to a script, in which the steps `admitted` asked for admission.
fn call(script: &mut Script, admitted: &mut Vec<usize>) {
    let call = *script.random.weighted(&[
        ("admit", 42),
        ("failed", 27),
        ("succeeded", 18),
        ("cancelled", 5),
        ("status", 5),
        ("set-mode", 2),
        ("reset", 1),
    ]);
    let (host, key) = (script.host(), String::new());
    let made = match call {
        "admit" => Call::Admit { key },
        "failed" | "succeeded" | "cancelled" => outcome(call, &mut script.random, admitted),
        "status" => Call::Status { key },
        "set-mode" => {
            let modes = ["normal", "normal", "forced-open", "forced-closed", "disabled", "metrics-only"];
            Call::SetMode { key, mode: (*script.random.pick(&modes)).to_owned() }
        }
        "reset" => Call::Reset { key },
        other => unreachable!("{other} is not drawn"),
    };
    if matches!(made, Call::Succeeded { .. } | Call::Failed { .. }) && script.hosts > 1 {
        // A success of a closed circuit, and an error that counts as one, is answered from what
        // its host knows, so let it know what the others do.
        script.push(host, &Call::Status { key: String::new() });
    }
    if matches!(made, Call::Admit { .. }) {
        admitted.push(script.next_step());
    }
    script.push(host, &made);
}

fn outcome(call: &str, random: &mut Random, admitted: &[usize]) -> Call {
    let (key, permit) = (String::new(), random.recent(admitted).copied());
    let elapsed_ms = *random.pick(&[0, 5, 5, 100, 250, 1_000, 20_000]);
    match call {
        "failed" => Call::Failed { key, permit, elapsed_ms, error: failure(random) },
        "succeeded" => Call::Succeeded { key, permit, elapsed_ms },
        "cancelled" => Call::Cancelled { key, permit, elapsed_ms },
        other => unreachable!("{other} is no outcome"),
    }
}

fn failure(random: &mut Random) -> Failure {
    let pick = |random: &mut Random, texts: &[&str]| (*random.pick(texts)).to_owned();
    let mut failure = Failure {
        name: pick(random, &["TimeoutError", "TypeError", "", "Fehler*ü"]),
        message: pick(random, &["connect ECONNREFUSED 127.0.0.1:80", "not found", "", "\n\"🌊\\"]),
        code: pick(random, &["503", "404", "", "ETIMEDOUT"]),
        ..Failure::default()
    };
    if failure.message.is_empty() {
        // What an error says is often said by its cause.
        let cause = std::mem::replace(&mut failure, Failure { name: "Wrapped".to_owned(), ..Failure::default() });
        failure.causes = vec![Failure { status: cause.code.clone(), ..cause }];
    }
    failure
}
