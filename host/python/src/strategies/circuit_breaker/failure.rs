//! What a call failed with, on its way in.

/// An error and then its causes as Python hands them over: name, message, code and status of each.
pub(crate) type Errors = Vec<(String, String, String, String)>;

/// The error with all others as its causes.
pub(crate) fn failure_of(errors: Errors) -> tidegate::Failure {
    let one = |(name, message, code, status)| tidegate::Failure { name, message, code, status, causes: Vec::new() };
    let mut errors = errors.into_iter().map(one);
    let failure = errors.next().unwrap_or_default();
    tidegate::Failure { causes: errors.collect(), ..failure }
}
