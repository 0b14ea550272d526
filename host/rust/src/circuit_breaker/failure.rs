//! What an error tells of itself.

use crate::runtime::wit::circuit_breaker as wit;

/// How many are handed in of an error and its causes: the contract looks at no more.
const MOST_ERRORS: usize = 16;

/// What a call failed with, as the patterns of the settings see it. Empty text where there is none.
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
    /// The name of the type and the message of an error.
    pub fn of<E: std::error::Error>(error: &E) -> Self {
        let path = std::any::type_name::<E>();
        let name = path.rsplit("::").next().unwrap_or(path).to_owned();
        Self { name, message: error.to_string(), ..Self::default() }
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

    /// The error and then its causes, each before its own.
    pub(crate) fn into_errors(self) -> Vec<wit::Error> {
        let (mut errors, mut rest) = (Vec::new(), vec![self]);
        while let Some(Self { name, message, code, status, causes }) = rest.pop() {
            if errors.len() == MOST_ERRORS {
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
