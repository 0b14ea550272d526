//! Where the environment says that Redis is.

/// The URL of the Redis that the environment names: `TIDEGATE_REDIS_URL` or `REDIS_URL`, else
/// `REDIS_HOST` and `REDIS_PORT`, which are `localhost` and `6379` where they are not set. What is
/// empty is not set.
#[doc(hidden)]
pub fn url_of_env() -> String {
    url_of(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

fn url_of(variable: impl Fn(&str) -> Option<String>) -> String {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    set("TIDEGATE_REDIS_URL").or_else(|| set("REDIS_URL")).unwrap_or_else(|| {
        let host = set("REDIS_HOST").unwrap_or_else(|| "localhost".to_owned());
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        format!("redis://{host}:{}", set("REDIS_PORT").unwrap_or_else(|| "6379".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(environment: &[(&str, &str)]) -> String {
        url_of(|name| environment.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_first_that_is_set_counts() {
        let all = [("TIDEGATE_REDIS_URL", "redis://a"), ("REDIS_URL", "redis://b"), ("REDIS_HOST", "c")];
        assert_eq!(url(&all), "redis://a");
        assert_eq!(url(&all[1..]), "redis://b");
        assert_eq!(url(&all[2..]), "redis://c:6379");
        assert_eq!(url(&[("TIDEGATE_REDIS_URL", ""), ("REDIS_PORT", "6380")]), "redis://localhost:6380");
        assert_eq!(url(&[("REDIS_HOST", "::1")]), "redis://[::1]:6379");
        assert_eq!(url(&[]), "redis://localhost:6379");
    }
}
