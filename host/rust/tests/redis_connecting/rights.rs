//! The rights that the documentation asks for are enough, and each that is missing is named.

use std::time::Duration;

use tidegate::store::redis::ConnectError;
use tidegate::{
    Algorithm, CircuitBreakerConfig, Error, Failure, Lease, Limit, OnLimit, RateLimiter, RateLimiterConfig, Redis,
    Tidegate,
};
use tidegate_test_support::redis_server::{RedisCluster, RedisServer};

/// The user of the line in the documentation, its password and its rights.
struct Documented {
    user: &'static str,
    password: &'static str,
    rules: &'static str,
}

fn documented() -> Documented {
    let source = include_str!("../../src/store/redis.rs");
    let line = source.lines().find_map(|line| line.strip_prefix("//! ACL SETUSER ")).expect("it has such a line");
    let (user, rules) = line.split_once(' ').expect("a name and rules");
    let password = rules.split(' ').find_map(|rule| rule.strip_prefix('>')).expect("it has a password");
    Documented { user, password, rules }
}

#[test]
fn every_readme_has_the_same_line() {
    let Documented { user, rules, .. } = documented();
    let line = format!("ACL SETUSER {user} {rules}");
    for readme in ["README.md", "host/rust/README.md", "host/typescript/README.md", "host/python/README.md"] {
        let text = std::fs::read_to_string(format!("../../{readme}")).expect(readme);
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with("ACL SETUSER ")).collect();
        assert_eq!(lines, [&line], "{readme}");
    }
}

/// A server with that user, who lacks a right.
fn server_without(missing: &str) -> RedisServer {
    let server = RedisServer::start().expect("redis-server starts");
    let rules: Vec<_> = documented().rules.split(' ').filter(|rule| *rule != missing).collect();
    server.set_user(documented().user, &rules.join(" ")).expect("the user is made");
    server
}

async fn gate(server: &RedisServer) -> Result<Tidegate, ConnectError> {
    let Documented { user, password, .. } = documented();
    let store = Redis::builder(&server.url_of(user, password)).timeout_ms(10_000).connect().await?;
    Ok(Tidegate::builder().store(store).build().expect("the component loads"))
}

fn limiter(gate: &Tidegate, config: RateLimiterConfig) -> RateLimiter {
    gate.rate_limiter(config).expect("the configuration is valid")
}

async fn limit_and_queue(gate: &Tidegate) -> Result<(), Error> {
    let queue = OnLimit::queue(5, Duration::from_hours(1));
    let limiter = limiter(gate, RateLimiterConfig::new("queue", Limit::per_day(1)).on_limit(queue));
    limiter.acquire("k").await?;
    let waiting = limiter.decide("k", None).await?;
    assert!(limiter.cancel("k", waiting.ticket.expect("it waits")).await?);
    let denied = limiter.try_acquire("k").await?;
    assert!(!denied.is_allowed());
    limiter.charge("k", 2).await?;
    limiter.reset("k").await?;
    let allowed = limiter.try_acquire("k").await?;
    assert_eq!(limiter.refund("k", &allowed).await?.remaining, 1);
    Ok(())
}

async fn lease_and_several(gate: &Tidegate) -> Result<(), Error> {
    let lease = Lease::new(10, Duration::from_secs(5));
    let leasing = limiter(gate, RateLimiterConfig::new("lease", Limit::per_hour(100)).lease(lease));
    for _ in 0..5 {
        assert!(leasing.try_acquire("k").await?.is_allowed());
    }
    gate.flush().await;
    let several = limiter(gate, RateLimiterConfig::new("several", Limit::per_hour(1)));
    for decision in several.try_acquire_many(["a", "b", "c"]).await {
        assert!(decision?.is_allowed());
    }
    Ok(())
}

async fn circuit(gate: &Tidegate) -> Result<(), Error> {
    let breaker = gate.circuit_breaker(CircuitBreakerConfig::consecutive("c", 1)).expect("the configuration is valid");
    let permit = breaker.admit().await?.permit.expect("it is closed");
    breaker.failed(permit, Duration::ZERO, Failure::default()).await?;
    assert!(breaker.admit().await?.permit.is_none());
    breaker.reset().await?;
    let permit = breaker.admit().await?.permit.expect("it is closed again");
    breaker.succeeded(permit, Duration::ZERO).await?;
    gate.flush().await;
    Ok(())
}

/// A host that knows nothing yet is told of a limit that others have reached.
async fn limit_of_others(server: &RedisServer, gate: &Tidegate) -> Result<(), Error> {
    let config = RateLimiterConfig::new("gcra", Limit::per_day(1).by(Algorithm::Gcra { burst: None }));
    assert!(limiter(gate, config.clone()).try_acquire("k").await?.is_allowed());
    let other = self::gate(server).await.expect("the store connects");
    assert!(!limiter(&other, config).try_acquire("k").await?.is_allowed());
    Ok(())
}

/// Every kind of call, also after the server has forgotten the script.
async fn every_call(server: &RedisServer, gate: &Tidegate) -> Result<(), Error> {
    limit_and_queue(gate).await?;
    redis::cmd("SCRIPT").arg("FLUSH").exec(&mut server.client().expect("it answers")).expect("it forgets");
    lease_and_several(gate).await?;
    limit_of_others(server, gate).await?;
    circuit(gate).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_rights_are_enough_for_every_call() {
    let server = server_without("nothing");
    let gate = gate(&server).await.expect("the store connects");
    every_call(&server, &gate).await.expect("it may do all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_other_hosts_ask_for_is_not_needed() {
    for right in ["+ping", "+info", "+client|setname"] {
        assert!(documented().rules.contains(right), "{right}");
        let server = server_without(right);
        let gate = gate(&server).await.expect("the store connects");
        every_call(&server, &gate).await.expect(right);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_right_that_is_missing_is_named_in_one_error() {
    let in_script = |command: &str| format!("run {command}, which the commit script calls;");
    let cases = [
        ("+evalsha", "run EVALSHA;".to_owned()),
        ("+eval", "run EVAL;".to_owned()),
        ("+script|load", "run SCRIPT LOAD;".to_owned()),
        ("+time", in_script("TIME")),
        ("+mget", in_script("MGET")),
        ("+set", in_script("SET")),
        ("+del", in_script("DEL")),
        ("+pttl", in_script("PTTL")),
        ("~tidegate:*", "use these keys;".to_owned()),
    ];
    for (right, said) in cases {
        assert!(documented().rules.split(' ').any(|rule| rule == right), "{right}");
        let server = server_without(right);
        let text = match gate(&server).await {
            Ok(gate) => every_call(&server, &gate).await.expect_err(right).to_string(),
            Err(error) => error.to_string(),
        };
        assert!(text.contains(&format!("NOPERM the user may not {said}")), "{right}: {text}");
        assert!(text.contains("+evalsha +eval +script|load +time +mget +set +del +pttl"), "{right}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_asks_for_the_rights_that_are_documented_for_it() {
    let extra = "+cluster|slots +asking";
    assert!(include_str!("../../src/store/redis.rs").contains(&format!("In a cluster it needs `{extra}`")));
    let cluster = RedisCluster::start().expect("the cluster starts");
    let Documented { user, password, rules } = documented();
    for node in cluster.nodes() {
        node.set_user(user, &format!("{rules} {extra}")).expect("the user is made");
    }
    let builder = Redis::builder(&cluster.nodes()[0].url_of(user, password)).cluster().timeout_ms(10_000);
    let store = builder.connect().await.expect("the store connects");
    let gate = Tidegate::builder().store(store).build().expect("the component loads");
    limit_and_queue(&gate).await.expect("it may do all");
    lease_and_several(&gate).await.expect("it may do all");
    circuit(&gate).await.expect("it may do all");
}
