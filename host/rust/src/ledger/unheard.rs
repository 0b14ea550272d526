//! Takes back what was given to a caller who went away.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::driven::TakeBack;
use super::shared::Shared;
use crate::background;
use crate::call::{Call, Listed};
use crate::key::EntityKey;
use crate::runtime::Policy;

/// A call that gives something away.
pub(super) struct Unheard<S: Listed> {
    shared: Arc<Shared>,
    key: Arc<EntityKey>,
    policy: Policy<S>,
    request: S::Request,
}

impl<S: Listed> Unheard<S> {
    /// What to take back of a call. `None`: it gives nothing.
    pub(super) fn of(
        shared: &Arc<Shared>,
        key: &Arc<EntityKey>,
        policy: &Policy<S>,
        request: &S::Request,
    ) -> Option<Self> {
        let unheard = || Self {
            shared: Arc::clone(shared),
            key: Arc::clone(key),
            policy: policy.clone(),
            request: request.clone(),
        };
        S::gives(request).then(unheard)
    }
}

impl<S: Listed> TakeBack<S::Answer> for Unheard<S> {
    fn leave(&self) {
        background::leave(|| Arc::clone(&self.shared).settle_lane(Arc::clone(&self.key)));
    }

    fn take_back(self, answer: &S::Answer, runtime: &Handle) {
        self.leave();
        let Self { shared, key, policy, request } = self;
        if Call::undoing(&policy, &request, answer).is_some_and(|undo| shared.push(&key, undo)) {
            runtime.spawn(shared.drive(key));
        }
    }
}

impl<S: Listed> fmt::Debug for Unheard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unheard({}, {:?})", self.key, self.request)
    }
}
