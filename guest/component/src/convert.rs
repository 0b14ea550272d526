//! Conversions between types that are the same name by name. A variant or a field that one side
//! lacks does not compile.

use alloc::vec::Vec;

use tidegate_policy::problem::Problem;

use crate::bindings::exports::tidegate::policy::types as wit;

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

/// What a policy answers, or its problems.
pub(crate) fn answer<T: Into<U>, U>(answer: Result<T, Vec<Problem>>) -> Result<U, Vec<wit::Problem>> {
    answer.map(Into::into).map_err(into_all)
}

fields!(Problem => wit::Problem: path, value, allowed);
