//! What an editor is told of a node.

use super::declaration::Declaration;

/// A node in the registry.
pub(crate) struct Entry {
    /// Its type, as in a workflow.
    pub(crate) kind: &'static str,
    pub(crate) declaration: &'static Declaration,
    pub(crate) keywords: &'static [&'static str],
    pub(crate) outputs: &'static [Port],
}

/// A member of what goes into a node or comes out of it.
pub(crate) struct Port {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) description: &'static str,
}

pub(crate) const fn port(name: &'static str, kind: &'static str, description: &'static str) -> Port {
    Port { name, kind, description }
}
