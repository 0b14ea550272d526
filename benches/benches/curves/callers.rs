//! Callers that meet on one key.

use std::hint::black_box;

use anyhow::Result;
use tidegate::{Algorithm, Limit};
use tidegate_benches::callers::together;
use tidegate_benches::settings::Settings;

use crate::{Shared, curve};

pub(crate) fn measure(settings: &Settings) -> Result<()> {
    let shared = &Shared::start()?;
    curve(settings, "callers on one key on Redis", &[1, 8, 64, 512], |callers, group| {
        let (plain, scripted) = (shared.plain.clone(), shared.plain.clone());
        let limit = Limit::per_second(1_000_000).by(Algorithm::Gcra { burst: None });
        let limiter = shared.limiter("callers", limit)?;
        let decide = move |_| {
            let limiter = limiter.clone();
            async move {
                black_box(limiter.try_acquire("key").await.expect("redis answers"));
            }
        };
        let get = move |_| plain.clone().get();
        let script = move |_| {
            let plain = scripted.clone();
            async move { plain.gcra("callers").await }
        };
        let runtime = &shared.runtime;
        Ok(group
            .beside("one GET", move |count| together(runtime, callers, count, &get))
            .beside("one EVALSHA", move |count| together(runtime, callers, count, &script))
            .work("gcra", move |count| together(runtime, callers, count, &decide)))
    })
}
