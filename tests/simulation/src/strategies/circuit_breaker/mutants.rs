//! Ways in which a circuit can be wrong. The checks are in `checks/`.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    // A late outcome is trusted.
    Mutant {
        name: "late-outcome-is-trusted",
        letter: b'C',
        needs_places: false,
        file: "strategies/circuit_breaker/breaker.rs",
        text: "permit.generation != call.record.generation ||",
        instead: "(permit.generation != call.record.generation && !crate::mutant(b'C')) ||",
    },
    // Probes are not counted.
    Mutant {
        name: "probes-are-not-counted",
        letter: b'D',
        needs_places: false,
        file: "strategies/circuit_breaker/half_open.rs",
        text: "if self.in_flight(now_us) >= self.most(limits) {",
        instead: "if self.in_flight(now_us) >= self.most(limits) && !crate::mutant(b'D') {",
    },
    // An open circuit admits before its time.
    Mutant {
        name: "open-circuit-admits-early",
        letter: b'E',
        needs_places: false,
        file: "strategies/circuit_breaker/open.rs",
        text: "now_us >= self.until_us",
        instead: "now_us >= self.until_us || crate::mutant(b'E')",
    },
    // A probe is never given up.
    Mutant {
        name: "probe-is-never-given-up",
        letter: b'J',
        needs_places: false,
        file: "strategies/circuit_breaker/half_open.rs",
        text: "limits.permit_ms.saturating_mul(1_000)",
        instead: "if crate::mutant(b'J') { DAY_MS * 1_000 } else { limits.permit_ms.saturating_mul(1_000) }",
    },
    // A circuit opens a failure too early.
    Mutant {
        name: "circuit-opens-early",
        letter: b'N',
        needs_places: false,
        file: "strategies/circuit_breaker/rules.rs",
        text: "reached(self.consecutive, counts.consecutive)",
        instead: "reached(self.consecutive, counts.consecutive + u32::from(crate::mutant(b'N')))",
    },
];
