//! The fault proxy, between a client and a server that sends back what it gets.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use tidegate_fault_tests::proxy::{Flow, Proxy, Way};

const HOLD: Way = Way { flow: Flow::Hold, delay_ms: 0, bytes_per_s: 0 };
const LOSE: Way = Way { flow: Flow::Lose, delay_ms: 0, bytes_per_s: 0 };

/// A server that sends back each byte plus `add`.
fn echo(add: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || send_back(stream, add));
        }
    });
    address
}

fn send_back(mut stream: TcpStream, add: u8) {
    let mut buffer = [0; 64];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        let bytes: Vec<u8> = buffer[..count].iter().map(|byte| byte.wrapping_add(add)).collect();
        if stream.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn start() -> Proxy {
    Proxy::start(echo(0)).expect("the proxy starts")
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).expect("the proxy takes connections");
    // Only what never comes meets it.
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
    stream
}

fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).expect("it is sent");
}

fn hear(stream: &mut TcpStream, text: &str) {
    let mut heard = vec![0; text.len()];
    stream.read_exact(&mut heard).expect("it is heard");
    assert_eq!(String::from_utf8_lossy(&heard), text);
}

fn hears_nothing(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let result = stream.read(&mut [0]);
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
    result.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

/// Returns when it is so. The proxy counts after it has done.
fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

#[test]
fn passes_on_all_bytes_in_order() {
    let proxy = start();
    let mut stream = connect(&proxy);
    for number in 0..1_000 {
        let text = format!("this is piece {number};");
        say(&mut stream, &text);
        hear(&mut stream, &text);
    }
    assert_eq!((proxy.connections(), proxy.resets(), proxy.lost_requests(), proxy.lost_replies()), (1, 0, 0, 0));
}

#[test]
fn passes_on_that_one_end_has_closed() {
    let proxy = start();
    let mut stream = connect(&proxy);
    say(&mut stream, "last words");
    stream.shutdown(std::net::Shutdown::Write).expect("it is closed");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("the other end closes as well");
    assert_eq!(heard, "last words");
}

#[test]
fn delays_each_direction_by_its_own_time_without_holding_up_what_follows() {
    let proxy = start();
    let mut stream = connect(&proxy);
    proxy.requests(Way { delay_ms: 60, ..Way::default() });
    proxy.replies(Way { delay_ms: 40, ..Way::default() });
    let started = Instant::now();
    for _ in 0..100 {
        say(&mut stream, "x");
    }
    hear(&mut stream, &"x".repeat(100));
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(100), "{took:?}");
    // One after the other they would take ten seconds.
    assert!(took < Duration::from_secs(5), "{took:?}");
    proxy.heal();
    say(&mut stream, "y");
    hear(&mut stream, "y");
}

#[test]
fn lets_no_more_than_so_many_bytes_through_in_a_second() {
    let proxy = start();
    let mut stream = connect(&proxy);
    proxy.replies(Way { bytes_per_s: 100, ..Way::default() });
    let started = Instant::now();
    for _ in 0..4 {
        say(&mut stream, "0123456789");
    }
    hear(&mut stream, &"0123456789".repeat(4));
    say(&mut stream, "x");
    hear(&mut stream, "x");
    assert!(started.elapsed() >= Duration::from_millis(400), "{:?}", started.elapsed());
}

#[test]
fn what_was_held_goes_on_when_it_may() {
    let proxy = start();
    let mut stream = connect(&proxy);
    for hold in [Proxy::requests, Proxy::replies] {
        hold(&proxy, HOLD);
        say(&mut stream, "held");
        assert!(hears_nothing(&mut stream));
        proxy.heal();
        hear(&mut stream, "held");
    }
}

#[test]
fn a_connection_that_lost_replies_never_carries_one_again() {
    let proxy = start();
    let mut stream = connect(&proxy);
    proxy.replies(LOSE);
    say(&mut stream, "unheard");
    until(|| proxy.lost_replies() == 7);
    proxy.heal();
    say(&mut stream, "unheard");
    until(|| proxy.lost_replies() == 14);
    assert!(hears_nothing(&mut stream));
    assert_eq!(proxy.lost_requests(), 0);
    let mut other = connect(&proxy);
    say(&mut other, "x");
    hear(&mut other, "x");
}

#[test]
fn requests_are_lost_before_the_server_gets_them() {
    let proxy = start();
    let mut stream = connect(&proxy);
    proxy.requests(LOSE);
    say(&mut stream, "ungot");
    until(|| proxy.lost_requests() == 5);
    assert!(hears_nothing(&mut stream));
    assert_eq!(proxy.lost_replies(), 0);
}

#[test]
fn a_reset_reaches_open_connections_at_once_and_no_later_ones() {
    let proxy = start();
    let mut streams = [connect(&proxy), connect(&proxy)];
    for stream in &mut streams {
        say(stream, "x");
        hear(stream, "x");
    }
    proxy.reset();
    for stream in &mut streams {
        let error = stream.read(&mut [0]).expect_err("it is reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    until(|| proxy.resets() == 2);
    let mut later = connect(&proxy);
    say(&mut later, "x");
    hear(&mut later, "x");
}

#[test]
fn refuses_new_connections_and_takes_them_again_on_the_same_port() {
    let mut proxy = start();
    let address = proxy.address();
    let mut open = connect(&proxy);
    say(&mut open, "here");
    hear(&mut open, "here");
    for _ in 0..20 {
        proxy.refuse();
        let error = TcpStream::connect(address).expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        say(&mut open, "still here");
        hear(&mut open, "still here");
        proxy.accept().expect("the port is still ours");
        assert_eq!(proxy.address(), address);
        let mut later = connect(&proxy);
        say(&mut later, "x");
        hear(&mut later, "x");
    }
}

#[test]
fn leads_new_connections_to_another_server() {
    let proxy = start();
    let mut before = connect(&proxy);
    say(&mut before, "a");
    hear(&mut before, "a");
    proxy.lead_to(echo(1));
    let mut after = connect(&proxy);
    say(&mut after, "a");
    hear(&mut after, "b");
    say(&mut before, "a");
    hear(&mut before, "a");
}

#[test]
fn a_server_that_is_not_there_is_a_reset_connection() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.local_addr().expect("it has an address")
    };
    let proxy = Proxy::start(gone).expect("the proxy starts");
    let result = TcpStream::connect(proxy.address()).and_then(|mut stream| stream.read(&mut [0]));
    assert_eq!(result.expect_err("it is reset").kind(), ErrorKind::ConnectionReset);
}
