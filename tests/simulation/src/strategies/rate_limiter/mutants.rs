//! Ways in which a limiter can be wrong. The checks are in `checks/`.

use super::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    // A bucket holds a permit more.
    Mutant {
        name: "bucket-holds-one-more",
        letter: b'A',
        needs_places: false,
        file: "strategies/rate_limiter/bucket.rs",
        text: "self.units_at(us).saturating_add(self.room()).min(MAX_NUMBER)",
        instead: "self.units_at(us).saturating_add(self.room()).min(MAX_NUMBER) + if crate::mutant(b'A') { self.per_permit } else { 0 }",
    },
    // A group is forgotten while it counts.
    Mutant {
        name: "window-forgets-its-oldest-part",
        letter: b'B',
        needs_places: false,
        file: "strategies/rate_limiter/group_rules.rs",
        text: "        let window_us = self.window_us;\n        move |last_us: u64|",
        instead: "        let window_us = if crate::mutant(b'B') { self.window_us / 2 } else { self.window_us };\n        move |last_us: u64|",
    },
    // Who came last goes first.
    Mutant {
        name: "last-waiter-goes-first",
        letter: b'F',
        needs_places: false,
        file: "parts/queue.rs",
        text: "(Reverse(self.priority), self.ticket)",
        instead: "(Reverse(self.priority), if crate::mutant(b'F') { u64::MAX - self.ticket } else { self.ticket })",
    },
    // A call is charged without a check of all its limits.
    Mutant {
        name: "limits-are-not-all-checked",
        letter: b'G',
        needs_places: false,
        file: "strategies/rate_limiter/limits.rs",
        text: "let models = self.check_all(call, permits)?;",
        instead: "let models = match self.check_all(call, permits) {\n            Err(models) if !crate::mutant(b'G') => return Err(models),\n            Ok(models) | Err(models) => models,\n        };",
    },
    // A refusal of a bucket charges it.
    Mutant {
        name: "refusal-charges",
        letter: b'H',
        needs_places: false,
        file: "strategies/rate_limiter/bucket.rs",
        text: "Err(full) => Err(self.model(full)),\n        }\n    }\n\n    /// Whether a charge",
        instead: "Err(full) => {\n                if crate::mutant(b'H') {\n                    let _ = cells.advance(self.field, self.per_permit, floor, MAX_NUMBER, self.use_us);\n                }\n                Err(self.model(full))\n            }\n        }\n    }\n\n    /// Whether a charge",
    },
    // Permits leave a log early.
    Mutant {
        name: "log-forgets-early",
        letter: b'I',
        needs_places: false,
        file: "strategies/rate_limiter/log.rs",
        text: "given.retain(|(at, _)| at.saturating_add(self.window_us) > at_us);",
        instead: "let counts_us = if crate::mutant(b'I') { self.window_us / 2 } else { self.window_us };\n        given.retain(|(at, _)| at.saturating_add(counts_us) > at_us);",
    },
    // A refund gives back what has come back already.
    Mutant {
        name: "refund-gives-back-twice",
        letter: b'K',
        needs_places: false,
        file: "strategies/rate_limiter/bucket.rs",
        text: "due.saturating_add(cost).saturating_sub(now);",
        instead: "due.saturating_add(cost).saturating_sub(if crate::mutant(b'K') { charged } else { now });",
    },
    // Those who wait are not waited for.
    Mutant {
        name: "waiters-are-passed-over",
        letter: b'L',
        needs_places: false,
        file: "parts/queue.rs",
        text: "waiter.due_us.saturating_add(grace_us) >= now_us",
        instead: "waiter.due_us.saturating_add(grace_us) >= now_us && !crate::mutant(b'L')",
    },
    // A new sub-window starts with the count of the last one.
    Mutant {
        name: "sub-window-is-not-cleared",
        letter: b'M',
        needs_places: false,
        file: "strategies/rate_limiter/window.rs",
        text: "        cells.delete(self.count_field);\n        Ok(model)",
        instead: "        if !crate::mutant(b'M') {\n            cells.delete(self.count_field);\n        }\n        Ok(model)",
    },
    // A lease is spent after its end.
    Mutant {
        name: "lease-is-spent-after-its-end",
        letter: b'O',
        needs_places: false,
        file: "strategies/rate_limiter/lease.rs",
        text: "(charged_at_us != 0 && now_us < ends_us)",
        instead: "(charged_at_us != 0 && (now_us < ends_us || crate::mutant(b'O')))",
    },
    // A lease is given back whole, what was spent of it too.
    Mutant {
        name: "lease-is-given-back-whole",
        letter: b'P',
        needs_places: false,
        file: "strategies/rate_limiter/lease.rs",
        text: "let left = if charged_at_us == 0 { 0 } else { self.left(cells) };",
        instead: "let left = if charged_at_us == 0 { 0 } else if crate::mutant(b'P') { size } else { self.left(cells) };",
    },
    // A permit of a lease is not counted for the life of the lease longer.
    Mutant {
        name: "leased-permits-leave-too-early",
        letter: b'Q',
        needs_places: false,
        file: "strategies/rate_limiter/geometry.rs",
        text: "config.lease.map_or(0, |lease| lease.life_ms * 1_000)",
        instead: "config.lease.filter(|_| !crate::mutant(b'Q')).map_or(0, |lease| lease.life_ms * 1_000)",
    },
    // A lease is never used up.
    Mutant {
        name: "lease-is-never-used-up",
        letter: b'R',
        needs_places: false,
        file: "strategies/rate_limiter/lease.rs",
        text: "u64::from(permits), self.ceiling, keep_ms)?;",
        instead: "u64::from(permits) * u64::from(!crate::mutant(b'R')), self.ceiling, keep_ms)?;",
    },
    // A lease outlives the aligned window it was charged in.
    Mutant {
        name: "lease-outlives-its-window",
        letter: b'S',
        needs_places: false,
        file: "strategies/rate_limiter/lease.rs",
        text: "window_ends.fold(charged_at_us + self.life_us, u64::min)",
        instead: "window_ends.filter(|_| !crate::mutant(b'S')).fold(charged_at_us + self.life_us, u64::min)",
    },
    // A lease is held that was not charged.
    Mutant {
        name: "lease-is-held-uncharged",
        letter: b'T',
        needs_places: false,
        file: "strategies/rate_limiter/leased.rs",
        text: "lease.drop(&mut call.cells, &held, wanted / 2);",
        instead: "if crate::mutant(b'T') {\n                        lease.hold(&mut call.cells, charged_at_us, wanted, extra);\n                    } else {\n                        lease.drop(&mut call.cells, &held, wanted / 2);\n                    }",
    },
    // A host that is cut off takes the whole limit for its share.
    Mutant {
        name: "share-is-the-whole-limit",
        letter: b'U',
        needs_places: false,
        file: "strategies/rate_limiter/away.rs",
        text: "Some(permits / hosts)",
        instead: "Some(if crate::mutant(b'U') { permits } else { permits / hosts })",
    },
    // What was let go without the store is not charged.
    Mutant {
        name: "debt-is-not-charged",
        letter: b'V',
        needs_places: false,
        file: "strategies/rate_limiter/away.rs",
        text: "let mut rest = cost.min(self.most);",
        instead: "let mut rest = if crate::mutant(b'V') { 0 } else { cost.min(self.most) };",
    },
    // Who looks at a share makes it forget what was let go.
    Mutant {
        name: "share-is-forgotten",
        letter: b'W',
        needs_places: false,
        file: "strategies/rate_limiter/away.rs",
        text: "if let (Some(whole), []) = (self.whole, &self.meters[..]) {",
        instead: "if crate::mutant(b'W') && self.whole.is_some() {\n            self.meters.iter().for_each(|meter| meter.reset(&mut call.cells));\n        }\n        if let (Some(whole), []) = (self.whole, &self.meters[..]) {",
    },
    // A waiter is dropped when half of its time is over.
    Mutant {
        name: "waiter-is-dropped-early",
        letter: b'X',
        needs_places: false,
        file: "parts/queue.rs",
        text: "self.0.retain(|w| w.ticket == asking || queue.deadline_us(w.ticket) > now_us);",
        instead: "let at_us = now_us + if crate::mutant(b'X') { queue.timeout_us / 2 } else { 0 };\n        self.0.retain(|w| w.ticket == asking || queue.deadline_us(w.ticket) > at_us);",
    },
    // What is given back to a log goes on counting.
    Mutant {
        name: "refund-of-a-log-gives-nothing",
        letter: b'Y',
        needs_places: false,
        file: "strategies/rate_limiter/log.rs",
        text: "model.given[found].1 -= permits.min(model.given[found].1);",
        instead: "model.given[found].1 -= if crate::mutant(b'Y') { 0 } else { permits.min(model.given[found].1) };",
    },
    // The time of the last permit in an open group is not raised.
    Mutant {
        name: "last-time-is-not-raised",
        letter: b'Z',
        needs_places: false,
        file: "strategies/rate_limiter/groups.rs",
        text: "Ok(count) if at_us > open.last_us => {",
        instead: "Ok(count) if at_us > open.last_us && !crate::mutant(b'Z') => {",
    },
    // A place that is given back to a strict window is looked for at its own time only, though it
    // went with a later one.
    Mutant {
        name: "place-is-given-back-in-part",
        letter: b'a',
        needs_places: true,
        file: "strategies/rate_limiter/groups.rs",
        text: "let may_be_later = self.max_wait_ms > 0",
        instead: "let may_be_later = !crate::mutant(b'a') && self.max_wait_ms > 0",
    },
];
