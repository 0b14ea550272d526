//! Configurations and contexts, in whatever form of JSON they come.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::{Error, Problem};

/// The longest text that a node merges a result into, in bytes.
const MAX_BYTES: usize = 2 << 20;
/// A context up to this length is handed over whole.
const SHORT_BYTES: usize = 4_096;

/// JSON in one of its forms: text (`str`, `String`), [`RawValue`], [`Value`], or a [`Map`] of
/// values. The text of a [`Value`] is its own, so what it lost when it was parsed, such as the
/// digits of a large number, is lost.
pub trait Json: Sync + sealed::Sealed {
    /// The text.
    fn text(&self) -> Cow<'_, str>;

    /// The text of an object of those members of this one that have one of these names.
    #[doc(hidden)]
    fn members(&self, names: &[String]) -> Result<String, Error>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for str {}
    impl Sealed for String {}
    impl Sealed for super::RawValue {}
    impl Sealed for super::Value {}
    impl Sealed for super::Map<String, super::Value> {}
    impl<T: Sealed + ?Sized> Sealed for &T {}
    impl<T: Sealed + ?Sized> Sealed for Box<T> {}
}

impl Json for str {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }

    fn members(&self, names: &[String]) -> Result<String, Error> {
        if self.len() <= SHORT_BYTES {
            return Ok(self.to_owned());
        }
        let all: HashMap<String, &RawValue> = serde_json::from_str(self).map_err(|_| no_object(self))?;
        Ok(object(names, |name| all.get(name).map(|value| value.get().to_owned())))
    }
}

impl Json for String {
    fn text(&self) -> Cow<'_, str> {
        self.as_str().text()
    }

    fn members(&self, names: &[String]) -> Result<String, Error> {
        self.as_str().members(names)
    }
}

impl Json for RawValue {
    fn text(&self) -> Cow<'_, str> {
        self.get().text()
    }

    fn members(&self, names: &[String]) -> Result<String, Error> {
        self.get().members(names)
    }
}

impl Json for Value {
    fn text(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn members(&self, names: &[String]) -> Result<String, Error> {
        match self {
            Self::Object(members) => members.members(names),
            other => other.to_string().members(names),
        }
    }
}

impl Json for Map<String, Value> {
    fn text(&self) -> Cow<'_, str> {
        Cow::Owned(serde_json::to_string(self).expect("values are JSON"))
    }

    fn members(&self, names: &[String]) -> Result<String, Error> {
        Ok(object(names, |name| self.get(name).map(Value::to_string)))
    }
}

impl<T: Json + ?Sized> Json for &T {
    fn text(&self) -> Cow<'_, str> {
        (**self).text()
    }

    fn members(&self, names: &[String]) -> Result<String, Error> {
        (**self).members(names)
    }
}

impl<T: Json + Send + ?Sized> Json for Box<T> {
    fn text(&self) -> Cow<'_, str> {
        (**self).text()
    }

    fn members(&self, names: &[String]) -> Result<String, Error> {
        (**self).members(names)
    }
}

/// The text to merge a result into, if it is not too long for the component's memory.
pub(crate) fn to_merge(context: &impl Json) -> Result<Cow<'_, str>, Error> {
    let text = context.text();
    if text.len() <= MAX_BYTES {
        return Ok(text);
    }
    let allowed = format!("at most {MAX_BYTES} bytes of JSON; a longer one can be a Map that the result is put into");
    Err(wrong_context(format!("{} bytes", text.len()), allowed))
}

fn object(names: &[String], value: impl Fn(&str) -> Option<String>) -> String {
    let member = |name: &String| Some(format!("{}:{}", Value::from(name.as_str()), value(name)?));
    let members: Vec<String> = names.iter().filter_map(member).collect();
    format!("{{{}}}", members.join(","))
}

fn no_object(text: &str) -> Error {
    wrong_context(format!("{} bytes that are none", text.len()), "a JSON object".to_owned())
}

fn wrong_context(value: String, allowed: String) -> Error {
    Error::Input { node: "context".to_owned(), problems: vec![Problem { path: "context".to_owned(), value, allowed }] }
}
