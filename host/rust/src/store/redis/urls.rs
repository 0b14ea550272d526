//! What the URLs of a store say.

use redis::{Client, ConnectionAddr, ConnectionInfo};

use crate::error::Problem;

/// What URLs are read.
const URLS: &str = "a URL such as redis://[user[:password]@]host[:port][/db], with rediss for TLS, or redis+unix:///path, or \
                    redis+sentinel://host[:port][,host[:port]]/master-name[/db]";

/// The same of Sentinels.
const SENTINEL_URLS: &str = "redis+sentinel://[user[:password]@]host[:port][,host[:port]...]/master-name[/db], with rediss+sentinel \
                             for TLS, and ?sentinel_user and ?sentinel_password for the Sentinels' own";

/// Where a Sentinel listens unless told otherwise.
const SENTINEL_PORT: u16 = 26_379;

/// The URL of a master, whose host is its name, and those of its Sentinels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) master: String,
    pub(super) sentinels: Vec<String>,
}

/// Reads `redis+sentinel://...`. `None`: it is a URL of another kind.
pub(super) fn of_sentinels(url: &str) -> Option<Result<Named, String>> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.strip_suffix("+sentinel").filter(|scheme| matches!(*scheme, "redis" | "rediss"))?;
    Some(named(scheme, rest).ok_or_else(|| SENTINEL_URLS.to_owned()))
}

fn named(scheme: &str, rest: &str) -> Option<Named> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/')?;
    let (name, database) = path.split_once('/').unwrap_or((path, ""));
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    let user = &authority[..authority.len() - hosts.len()];
    let own = credentials(query)?;
    let sentinels = hosts.split(',').map(|host| {
        let port = if has_port(host) { String::new() } else { format!(":{SENTINEL_PORT}") };
        (!host.is_empty()).then(|| format!("{scheme}://{own}{host}{port}"))
    });
    let sentinels = sentinels.collect::<Option<Vec<_>>>()?;
    (!name.is_empty()).then(|| Named { master: format!("{scheme}://{user}{name}/{database}"), sentinels })
}

/// Who we are for Sentinels, as it stands in a URL.
fn credentials(query: &str) -> Option<String> {
    let (mut user, mut password) = (String::new(), None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=')? {
            ("sentinel_user", value) => user = encoded(value),
            ("sentinel_password", value) => password = Some(encoded(value)),
            _ => return None,
        }
    }
    match password {
        None if user.is_empty() => Some(String::new()),
        None => None,
        Some(password) => Some(format!("{user}:{password}@")),
    }
}

/// What may stand in a query, but not in front of a host.
fn encoded(value: &str) -> String {
    [("@", "%40"), (":", "%3A"), ("/", "%2F")].iter().fold(value.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn has_port(host: &str) -> bool {
    let (_, after) = host.rsplit_once(']').unwrap_or(("", host));
    after.contains(':')
}

/// Whether a URL names a port.
pub(super) fn names_port(url: &str) -> bool {
    redis::parse_redis_url(url).is_some_and(|url| url.port().is_some())
}

/// Reads a URL of a server. What is wrong with it is a problem of `path`, which quotes `shown`.
pub(super) fn read(path: &str, url: &str, shown: &str, problems: &mut Vec<Problem>) -> Option<ConnectionInfo> {
    let wrong = |allowed| Problem { path: path.to_owned(), value: masked(shown), allowed };
    let Ok(client) = Client::open(url) else {
        problems.push(wrong(URLS.to_owned()));
        return None;
    };
    let info = client.get_connection_info().clone();
    problems.extend(check_query(url, &info).map(wrong));
    Some(info)
}

/// Reads a URL of a Sentinel. All have the same user and password, those of the first.
pub(super) fn read_sentinel(
    path: &str,
    url: &str,
    first: Option<&ConnectionInfo>,
    problems: &mut Vec<Problem>,
) -> Option<ConnectionInfo> {
    let info = read(path, &with_sentinel_port(url), url, problems)?;
    let who = |info: &ConnectionInfo| {
        let redis = info.redis_settings();
        (redis.username().map(ToOwned::to_owned), redis.password().map(ToOwned::to_owned), is_tls(info))
    };
    let is_fit = !matches!(info.addr(), ConnectionAddr::Unix(_)) && info.redis_settings().db() == 0;
    if !is_fit || first.is_some_and(|first| who(first) != who(&info)) {
        let allowed = "redis://[user[:password]@]host[:port], with rediss for TLS, and scheme, user and password those of the others";
        problems.push(Problem { path: path.to_owned(), value: masked(url), allowed: allowed.to_owned() });
    }
    Some(info)
}

/// The URL of a Sentinel with the usual port, where it names no port.
fn with_sentinel_port(url: &str) -> String {
    let Some(mut parsed) = redis::parse_redis_url(url).filter(|parsed| parsed.port().is_none()) else {
        return url.to_owned();
    };
    if parsed.set_port(Some(SENTINEL_PORT)).is_ok() { parsed.into() } else { url.to_owned() }
}

/// What must be where the client library takes no notice of something: `?db=3` would go to another
/// database than it says.
fn check_query(url: &str, info: &ConnectionInfo) -> Option<String> {
    let (url, _) = url.split_once('#').unwrap_or((url, ""));
    let (_, query) = url.split_once('?')?;
    let known: &[&str] = match info.addr() {
        ConnectionAddr::Unix(_) => &["db", "user", "pass", "protocol"],
        _ => &["protocol"],
    };
    let names = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")).0);
    match names.into_iter().find(|name| !known.contains(name))? {
        "db" => Some("without ?db: the database is the path, as in redis://host/3".to_owned()),
        name => Some(format!("without ?{name}: what is read here is ?{}", known.join(", ?"))),
    }
}

/// A URL in quotation marks, without who we are and our passwords.
pub(super) fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (&url[..scheme.len() + 3], rest));
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name @ ("user" | "pass" | "sentinel_user" | "sentinel_password"), _)) => format!("{name}=***"),
        _ => pair.to_owned(),
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    // Last, because a password may have a question mark in it.
    let rest = format!("{address}{mark}{query}");
    let rest = rest.rsplit_once('@').map_or_else(|| rest.clone(), |(_, host)| format!("***@{host}"));
    format!("{:?}", format!("{scheme}{rest}"))
}

pub(super) fn is_tls(node: &ConnectionInfo) -> bool {
    matches!(node.addr(), ConnectionAddr::TcpTls { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Option<(String, Vec<String>)> {
        of_sentinels(url).expect("it is one of Sentinels").ok().map(|named| (named.master, named.sentinels))
    }

    #[test]
    fn a_url_of_sentinels_names_them_and_the_master() {
        let (master, sentinels) = of("redis+sentinel://a/mymaster").expect("it is right");
        assert_eq!((master.as_str(), sentinels), ("redis://mymaster/", vec!["redis://a:26379".to_owned()]));
        let all = "rediss+sentinel://me:se%40cret@a:1,[::1],b/orders.1/3?sentinel_user=them&sentinel_password=p@ss";
        let (master, sentinels) = of(all).expect("it is right");
        assert_eq!(master, "rediss://me:se%40cret@orders.1/3");
        let with_own = |address: &str| format!("rediss://them:p%40ss@{address}");
        assert_eq!(sentinels, ["a:1", "[::1]:26379", "b:26379"].map(with_own));
    }

    #[test]
    fn a_url_of_sentinels_that_lacks_something_is_wrong() {
        for url in
            ["//a", "//a/", "///mymaster", "//a,,b/mymaster", "//a/mymaster?timeout=3", "//a/mymaster?sentinel_user=me"]
        {
            assert_eq!(of(&format!("redis+sentinel:{url}")), None, "{url}");
        }
        assert_eq!(of_sentinels("redis://a/mymaster"), None);
    }

    #[test]
    fn no_secret_shows() {
        let url = "redis+sentinel://me:secret@a/m?sentinel_user=you&sentinel_password=secret";
        assert_eq!(masked(url), "\"redis+sentinel://***@a/m?sentinel_user=***&sentinel_password=***\"");
    }
}
