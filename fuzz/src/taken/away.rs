//! What is chosen for when the store is away.

/// Who is told of a store's state.
mod changes {
    /// Nobody, where settings are only read.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Listeners;
}
#[path = "../../../host/rust/src/away/settings.rs"]
mod settings;

pub use settings::WhenAway;
