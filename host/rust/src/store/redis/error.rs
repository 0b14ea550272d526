//! What an error of the client library means for a commit.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::rights;
use crate::store::StoreError;

/// An error of the server refuses the commit: a script that fails has written nothing, because ours
/// checks before it writes. With any other error nobody knows whether the commit arrived.
pub(super) fn store_error(error: &RedisError) -> StoreError {
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => StoreError::Refused(server_text(error)),
        ErrorKind::AuthenticationFailed | ErrorKind::RESP3NotSupported | ErrorKind::InvalidClientConfig => {
            StoreError::Refused(error.to_string())
        }
        _ => StoreError::Away(error.to_string()),
    }
}

/// The server's own words; where they are about rights, with what is missing.
fn server_text(error: &RedisError) -> String {
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    rights::explained(&text).unwrap_or(text)
}

/// The server does not know the script.
pub(super) fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// The connection to one server is of no more use: it broke; it leads to a server that was made a
/// replica or was given to a cluster, while the name may by now be another's; or the server does
/// not know us any more, and we can only say anew who we are.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    let is_elsewhere = matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown | ServerErrorKind::Moved)
    );
    is_elsewhere || error.code() == Some("NOAUTH") || error.is_unrecoverable_error()
}

/// The server answered, be it with an error.
pub(super) fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}
