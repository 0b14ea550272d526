//! What servers call our connections.

use tidegate::store::redis::{ConnectError, Redis, RedisBuilder};
use tidegate_test_support::redis_server::{RedisCluster, RedisServer};

/// The names of a user's connections. One that has just been closed may still be among them.
fn names(server: &RedisServer, user: &str) -> Vec<String> {
    let mut client = server.client().expect("it takes connections");
    redis::cmd("CLIENT").arg("SETNAME").arg("who-asks").exec(&mut client).expect("it takes a name");
    let list: String = redis::cmd("CLIENT").arg("LIST").query(&mut client).expect("it answers");
    let of_user = list.lines().filter(|line| line.contains(&format!(" user={user} ")));
    let name = |line: &str| line.split(' ').find_map(|field| field.strip_prefix("name=").map(ToOwned::to_owned));
    of_user.filter_map(name).filter(|name| name != "who-asks").collect()
}

async fn connect(builder: RedisBuilder) -> Redis {
    builder.timeout_ms(10_000).connect().await.expect("the store connects")
}

#[tokio::test]
async fn a_connection_has_the_name_of_the_library_or_that_which_it_was_given() {
    for (given, name) in [(None, "tidegate"), (Some("orders:web-1"), "orders:web-1"), (Some(""), "")] {
        let server = RedisServer::start().expect("redis-server starts");
        let builder = Redis::builder(&server.url());
        let _store = connect(given.into_iter().fold(builder, RedisBuilder::client_name)).await;
        assert_eq!(names(&server, "default"), [name]);
    }
}

#[tokio::test]
async fn connections_to_all_nodes_of_a_cluster_have_it() {
    let cluster = RedisCluster::start().expect("the cluster starts");
    let _store = connect(Redis::builder(&cluster.nodes()[0].url()).cluster()).await;
    for node in cluster.nodes() {
        let names = names(node, "default");
        assert!(names.iter().any(|name| name == "tidegate"), "{names:?}");
    }
}

#[tokio::test]
async fn a_user_who_may_not_choose_a_name_goes_without() {
    let server = RedisServer::start().expect("redis-server starts");
    server.set_user("host", "on >secret ~tidegate:* +@all -client").expect("the user is made");
    let _store = connect(Redis::builder(&server.url_of("host", "secret"))).await;
    assert_eq!(names(&server, "host"), [""]);
}

#[tokio::test]
async fn a_name_with_spaces_or_line_ends_is_a_wrong_setting() {
    for name in ["two words", "line\nend", "größer"] {
        let error = Redis::builder("redis://localhost").client_name(name).connect().await.expect_err("it is no name");
        let ConnectError::Settings { problems } = &error else { panic!("{error:?}") };
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert_eq!((problem.path.as_str(), problem.value.clone()), ("client_name", format!("{name:?}")));
    }
}
