//! Settings from JSON text.

use serde::de::DeserializeOwned;

use crate::error::Error;

/// Reads settings; an error names the field that it is about.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let settings = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        Error::Json { path, reason: error.into_inner().to_string() }
    })?;
    json.end().map_err(|error| Error::Json { path: ".".to_owned(), reason: error.to_string() })?;
    Ok(settings)
}
