//! What all answers have in common: read-only fields, equality, a text for people and a dictionary
//! for JSON.

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The class of an answer. Its fields are listed once, each with how it is read; `also` holds what
/// only this class has.
macro_rules! record {
    ($name:ident { $($field:ident: $type:ty = |$this:ident| $read:expr;)* } also { $($also:tt)* }) => {
        #[pyo3::pymethods]
        impl $name {
            $(
                #[getter]
                fn $field(&self) -> $type {
                    let $this = &self.0;
                    $read
                }
            )*

            /// The fields by their names, as JSON can hold them.
            fn to_dict<'py>(&self, py: pyo3::Python<'py>) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::types::PyDict>> {
                let fields = pyo3::types::PyDict::new(py);
                $(crate::data::put(&fields, stringify!($field), self.$field())?;)*
                Ok(fields)
            }

            fn __repr__(&self, py: pyo3::Python<'_>) -> pyo3::PyResult<String> {
                crate::data::repr(stringify!($name), &self.to_dict(py)?)
            }

            $($also)*
        }
    };
}
pub(crate) use record;

/// Puts a field into a dictionary; another record goes in as a dictionary of its own.
pub(crate) fn put<'py>(
    fields: &Bound<'py, PyDict>,
    name: &str,
    value: impl IntoPyObject<'py, Error: Into<PyErr>>,
) -> PyResult<()> {
    use pyo3::BoundObject as _;
    let py = fields.py();
    let value = value.into_pyobject(py).map_err(Into::into)?.into_any().into_bound();
    match value.getattr_opt("to_dict")? {
        Some(to_dict) => fields.set_item(name, to_dict.call0()?),
        None => fields.set_item(name, value),
    }
}

/// `Name(field=value, ...)`.
pub(crate) fn repr(name: &str, fields: &Bound<'_, PyDict>) -> PyResult<String> {
    let field = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| Ok(format!("{key}={}", value.repr()?));
    let fields = fields.iter().map(field).collect::<PyResult<Vec<_>>>()?;
    Ok(format!("{name}({})", fields.join(", ")))
}

/// A field of a dictionary that `to_dict` has made.
pub(crate) fn read<'py, T>(fields: &Bound<'py, PyAny>, name: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
{
    let value = fields.get_item(name)?;
    value.extract::<T>().map_err(|error| {
        let error: PyErr = error.into();
        pyo3::exceptions::PyValueError::new_err(format!("{name} is {value:?}: {error}"))
    })
}

/// Whole milliseconds.
pub(crate) fn ms(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The words of an enumeration, both ways. They are those of the contract.
macro_rules! words {
    ($to:ident, $from:ident, $type:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        pub(crate) fn $to(value: $type) -> &'static str {
            match value {
                $($type::$variant => $word,)*
            }
        }

        pub(crate) fn $from(word: &str) -> pyo3::PyResult<$type> {
            match word {
                $($word => Ok($type::$variant),)*
                _ => {
                    let allowed = [$($word),*].join(", ");
                    Err(pyo3::exceptions::PyValueError::new_err(format!("{word:?} is none of {allowed}")))
                }
            }
        }
    };
}
pub(crate) use words;
