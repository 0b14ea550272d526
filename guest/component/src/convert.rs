//! Conversions between types that are the same name by name. A variant or a field that one side
//! lacks does not compile.

use alloc::vec::Vec;

/// Converts an enum without payloads, variant by variant.
macro_rules! variants {
    ($from:ty => $to:ty: $($variant:ident),+ $(,)?) => {
        impl From<$from> for $to {
            fn from(from: $from) -> Self {
                match from {
                    $(<$from>::$variant => Self::$variant,)+
                }
            }
        }
    };
}

/// Converts a record, field by field.
macro_rules! fields {
    ($from:ty => $to:ty: $($field:ident),+ $(,)?) => {
        impl From<$from> for $to {
            fn from(from: $from) -> Self {
                Self { $($field: from.$field.into(),)+ }
            }
        }
    };
}

pub(crate) use {fields, variants};

/// Converts each one of a list.
pub(crate) fn into_all<T: Into<U>, U>(all: Vec<T>) -> Vec<U> {
    all.into_iter().map(Into::into).collect()
}

fields!(tidegate_policy::problem::Problem => crate::bindings::exports::tidegate::policy::types::Problem: path, value, allowed);
