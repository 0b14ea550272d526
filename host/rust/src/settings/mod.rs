//! What settings may hold, and how they are spelt.
//!
//! `declaration.json` is the one list of all settings with their types and ranges, in the words of
//! the contract. Each language reads it, so a value of the wrong type is told in the same way
//! everywhere, all such values at once, with the names as the caller has written them. What the
//! settings say of each other is the component's to check.

mod check;
mod declaration;
mod spelling;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::spelling::Spelling;

use crate::json;
pub use crate::problem::SettingsError;

/// Reads the settings of a strategy, named as in the declaration, from JSON text.
///
/// # Errors
/// [`SettingsError::Json`] where it is not JSON, and [`SettingsError::Config`] with all values that
/// are not of their type.
pub(crate) fn read<T: DeserializeOwned>(strategy: &str, text: &str, spelling: Spelling) -> Result<T, SettingsError> {
    let value: Value = json::settings(text)?;
    let problems = check::problems(declaration::of(strategy), &value, spelling);
    if problems.is_empty() {
        return json::settings(text);
    }
    let name = value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Err(SettingsError::Config { name, problems })
}
