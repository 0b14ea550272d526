//! The gate without async.

use crate::clock::Clock;
use crate::error::Error;
use crate::gate;
use crate::stats::Stats;
use crate::store::Memory;

/// Resilience policies on the memory store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tidegate {
    pub(crate) gate: gate::Tidegate,
}

/// Settings of a [`Tidegate`].
#[derive(Debug)]
pub struct Builder {
    builder: gate::Builder,
}

impl Tidegate {
    /// A memory store of its own and the system's clock, unless set otherwise.
    pub fn builder() -> Builder {
        Builder { builder: gate::Tidegate::builder() }
    }

    /// What it has done so far.
    pub fn stats(&self) -> Stats {
        self.gate.stats()
    }
}

impl Builder {
    /// Keeps state in `memory`, which others may share.
    #[must_use]
    pub fn memory(self, memory: Memory) -> Self {
        Self { builder: self.builder.memory(memory) }
    }

    /// Tells the time by `clock`.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { builder: self.builder.clock(clock) }
    }

    /// Runs the policy for each call, also where the answer before stands.
    #[must_use]
    pub fn no_standing_answers(self) -> Self {
        Self { builder: self.builder.no_standing_answers() }
    }

    /// Loads the component and puts it all together.
    ///
    /// # Errors
    /// [`Error::Load`] if the component cannot be used, and [`Error::Config`] where the environment
    /// has `TIDEGATE_ENV=production`: this gate is always in memory, and there the state must be
    /// shared.
    pub fn build(self) -> Result<Tidegate, Error> {
        Ok(Tidegate { gate: self.builder.build()? })
    }
}
