//! What is answered while the store is away.

use std::fmt;

use serde::de::{self, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Problem};

/// What to answer while the store is away. Every answer but an error says that it is `degraded`.
///
/// As JSON: `"error"`, `"open"`, `"closed"`, `{"share": 4}`, or a circuit's `"share"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenAway {
    /// [`Error::Store`](crate::Error::Store): the caller decides. A limiter's default.
    #[default]
    Error,
    /// Admit. What a limiter lets go is charged when the store is back; the outcome of a call that
    /// a circuit lets go counts nowhere.
    Open,
    /// Refuse, with the time until the store is tried again.
    Closed,
    /// Decide on this host's own state. Limiters divide every limit and burst by the number of
    /// hosts, so that all hosts together admit no more than the limit; what they let go is charged
    /// when the store is back. Circuits work by their rules, each host for itself, and have no use
    /// for the number.
    Share {
        /// How many hosts there are at most; 1 to 1,000,000.
        hosts: u32,
    },
    /// A circuit's share, and its default: it works by its rules on this host's own state. A
    /// limiter needs the number of hosts.
    Own,
}

/// Where a number of hosts is in a configuration.
const HOSTS_PATH: &str = "when_away.share";
/// The most hosts that share.
const MAX_HOSTS: u32 = 1_000_000;
/// What JSON may have.
const EXPECTED: &str = "\"error\", \"open\", \"closed\", \"share\" or {\"share\": a number of hosts}";

impl WhenAway {
    /// Whether this host's own state decides.
    pub(crate) fn is_own_state(self) -> bool {
        matches!(self, Self::Share { .. } | Self::Own)
    }

    /// Checks the number of hosts, for circuits, which do nothing with it.
    ///
    /// # Errors
    /// [`Error::Config`] for the configuration of this name.
    pub(crate) fn check(self, name: &str) -> Result<(), Error> {
        match self {
            Self::Share { hosts } if !(1..=MAX_HOSTS).contains(&hosts) => Err(wrong_hosts(name, &hosts.to_string())),
            _ => Ok(()),
        }
    }

    /// Checks that there is a number of hosts where one is needed, for limiters.
    ///
    /// # Errors
    /// [`Error::Config`] for the configuration of this name.
    pub(crate) fn check_number(self, name: &str) -> Result<(), Error> {
        if self == Self::Own { Err(wrong_hosts(name, "none")) } else { Ok(()) }
    }

    /// The error of a limiter whose share cannot be opened, with the path of the host's settings.
    pub(crate) fn named(error: Error) -> Error {
        let Error::Config { name, mut problems } = error else { return error };
        for problem in problems.iter_mut().filter(|problem| problem.path == "hosts") {
            HOSTS_PATH.clone_into(&mut problem.path);
        }
        Error::Config { name, problems }
    }
}

fn wrong_hosts(name: &str, value: &str) -> Error {
    let (path, value, allowed) = (HOSTS_PATH.to_owned(), value.to_owned(), format!("1 to {MAX_HOSTS}"));
    Error::Config { name: name.to_owned(), problems: vec![Problem { path, value, allowed }] }
}

impl Serialize for WhenAway {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Error => serializer.serialize_str("error"),
            Self::Open => serializer.serialize_str("open"),
            Self::Closed => serializer.serialize_str("closed"),
            Self::Own => serializer.serialize_str("share"),
            Self::Share { hosts } => serializer.collect_map([("share", hosts)]),
        }
    }
}

impl<'de> Deserialize<'de> for WhenAway {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Spelt)
    }
}

/// Reads [`WhenAway`]: a word, or a share with its number.
struct Spelt;

impl<'de> Visitor<'de> for Spelt {
    type Value = WhenAway;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<WhenAway, E> {
        match word {
            "error" => Ok(WhenAway::Error),
            "open" => Ok(WhenAway::Open),
            "closed" => Ok(WhenAway::Closed),
            "share" => Ok(WhenAway::Own),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WhenAway, A::Error> {
        let Some(word) = map.next_key::<String>()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        if word != "share" {
            return Err(de::Error::unknown_field(&word, &["share"]));
        }
        let hosts = map.next_value()?;
        match map.next_key::<String>()? {
            None => Ok(WhenAway::Share { hosts }),
            Some(more) => Err(de::Error::unknown_field(&more, &["share"])),
        }
    }
}
