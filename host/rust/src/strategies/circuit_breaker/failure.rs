//! What an error tells of itself.

use std::error::Error;

use super::texts::{MAX_ERRORS, chain, debug_of, leading_name, status_in, type_name};
use crate::runtime::wit::circuit_breaker as wit;

/// The name of the failure of a call whose own time limit was over. Whatever is monitored, it
/// counts.
const TIMED_OUT: &str = "CallTimeoutError";

/// What a call failed with, as the patterns of the settings see it. A text that is missing is
/// empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// The name of the error's type.
    pub name: String,
    /// Its message.
    pub message: String,
    /// Its code, such as an errno.
    pub code: String,
    /// Its status, such as that of an HTTP reply.
    pub status: String,
    /// What caused it, which patterns see as well: of an error and its causes the first 16.
    pub causes: Vec<Failure>,
}

impl Failure {
    /// What an error tells, and its [`sources`](Error::source) tell.
    ///
    /// - The name is that of its type, without its path and what it is generic over. Where that is
    ///   just `Error`, the path goes before it, without modules of that name: `io::Error`,
    ///   `reqwest::Error`, `my_app::payments::Error`. The type of a source cannot be known; its
    ///   name is the one that its [`Debug`](std::fmt::Debug) text begins with, as it does where
    ///   that is derived.
    /// - The code of an [`io::Error`](std::io::Error) is its kind: `ConnectionRefused`.
    /// - The status is the number that the debug text shows as one: `status: 503`, `Status(503)`.
    ///
    /// ```
    /// use tidegate::Failure;
    ///
    /// let error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    /// let failure = Failure::of(&error);
    /// assert_eq!((failure.name.as_str(), failure.code.as_str()), ("io::Error", "ConnectionRefused"));
    /// ```
    pub fn of<E: Error + 'static>(error: &E) -> Self {
        Self { name: type_name::<E>(), ..Self::of_dyn(error) }
    }

    /// Like [`Self::of`], of an error whose type is not known.
    pub fn of_dyn(error: &(dyn Error + 'static)) -> Self {
        let causes = chain(error).skip(1).map(Self::of_one).collect();
        Self { causes, ..Self::of_one(error) }
    }

    /// What one error tells, without its sources.
    fn of_one(error: &(dyn Error + 'static)) -> Self {
        let debug = debug_of(error);
        let io = error.downcast_ref::<std::io::Error>();
        Self {
            name: io.map_or_else(|| leading_name(&debug).to_owned(), |_| "io::Error".to_owned()),
            message: error.to_string(),
            code: io.map(|error| format!("{:?}", error.kind())).unwrap_or_default(),
            status: status_in(&debug).unwrap_or_default().to_owned(),
            causes: Vec::new(),
        }
    }

    /// With a code.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a code reads best as what it is: 111")]
    pub fn with_code(mut self, code: impl ToString) -> Self {
        self.code = code.to_string();
        self
    }

    /// With a status.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a status reads best as what it is: 503")]
    pub fn with_status(mut self, status: impl ToString) -> Self {
        self.status = status.to_string();
        self
    }

    /// With a cause, after those that it has.
    #[must_use]
    pub fn caused_by(mut self, cause: Self) -> Self {
        self.causes.push(cause);
        self
    }

    /// That of a call whose own time limit was over.
    pub(super) fn of_timeout(message: String) -> Self {
        Self { name: TIMED_OUT.to_owned(), message, ..Self::default() }
    }

    /// The error and then its causes, each before its own.
    pub(crate) fn into_errors(self) -> Vec<wit::Error> {
        let (mut errors, mut rest) = (Vec::new(), vec![self]);
        while let Some(Self { name, message, code, status, causes }) = rest.pop() {
            if errors.len() == MAX_ERRORS {
                break;
            }
            errors.push(wit::Error { name, message, code, status });
            rest.extend(causes.into_iter().rev());
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;

    fn named(name: &str) -> Failure {
        Failure { name: name.to_owned(), ..Failure::default() }
    }

    #[test]
    fn causes_follow_their_error_and_16_are_handed_in() {
        let failure = named("a").caused_by(named("b").caused_by(named("c"))).caused_by(named("d"));
        let names: Vec<_> = failure.into_errors().into_iter().map(|error| error.name).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        let deep = (0..100).fold(named("deepest"), |cause, _| named("above").caused_by(cause));
        assert_eq!(deep.into_errors().len(), 16);
    }
}
