//! What is asked of a limiter, checked: nothing is taken for something else, and the answer is the
//! same in all languages.

use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyString};
use tidegate::{Error, Problem};

use crate::errors;

/// A key: any text but one with half of a surrogate pair, which cannot be told to others.
#[derive(Debug)]
pub(crate) struct Key(pub(crate) String);

/// A number of permits. A number without a fraction is a whole number, however it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost(pub(crate) u32);

impl<'py> FromPyObject<'_, 'py> for Key {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        given.extract().map(Self).map_err(|_| {
            let is_text = given.is_instance_of::<PyString>();
            let allowed = if is_text { "a text in Unicode, with no half of a surrogate pair" } else { "a text" };
            wrong(given, "key", allowed)
        })
    }
}

impl<'py> FromPyObject<'_, 'py> for Cost {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(cost) = given.extract() {
            return Ok(Self(cost));
        }
        let whole = given.cast::<PyFloat>().ok().and_then(|cost| whole(cost.extract().ok()?));
        whole.map(Self).ok_or_else(|| wrong(given, "cost", "a whole number from 0 to 4294967295"))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in the range")]
fn whole(cost: f64) -> Option<u32> {
    (cost.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&cost)).then_some(cost as u32)
}

fn wrong(given: Borrowed<'_, '_, PyAny>, path: &str, allowed: &str) -> PyErr {
    let value = given.repr().map_or_else(|_| "an object".to_owned(), |shown| shown.to_string_lossy().into_owned());
    let problem = Problem { path: path.to_owned(), value, allowed: allowed.to_owned() };
    errors::raise(given.py(), Error::Config { name: "the call".to_owned(), problems: vec![problem] })
}
