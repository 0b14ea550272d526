//! A server that speaks Redis' protocol and answers every script with the same error.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

/// See the module. Its threads end with the connections.
pub(crate) struct Mimic {
    port: u16,
    /// What a script is answered with, as the protocol has it.
    answer: Arc<Mutex<String>>,
    connections: Arc<AtomicUsize>,
}

impl Mimic {
    pub(crate) fn start(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let mimic = Self { port, answer: Arc::new(Mutex::new(answer.to_owned())), connections: Arc::default() };
        let (answer, connections) = (Arc::clone(&mimic.answer), Arc::clone(&mimic.connections));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                connections.fetch_add(1, Ordering::Relaxed);
                let answer = Arc::clone(&answer);
                thread::spawn(move || serve(&stream, &answer));
            }
        });
        mimic
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Answers until the connection ends.
fn serve(stream: &TcpStream, answer: &Mutex<String>) {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    while let Some(command) = read_command(&mut reader) {
        let reply = match command.first().map(|verb| verb.to_ascii_uppercase()).as_deref() {
            Some(b"HELLO") => "%1\r\n$5\r\nproto\r\n:3\r\n".to_owned(),
            Some(b"EVALSHA" | b"EVAL") => answer.lock().clone(),
            _ => "+OK\r\n".to_owned(),
        };
        if writer.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

/// A command: an array of texts.
fn read_command(reader: &mut impl BufRead) -> Option<Vec<Vec<u8>>> {
    let count = read_count(reader)?;
    (0..count).map(|_| read_text(reader)).collect()
}

fn read_text(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut text = vec![0; read_count(reader)? + 2];
    reader.read_exact(&mut text).ok()?;
    text.truncate(text.len() - 2);
    Some(text)
}

/// The number in a line that begins with `*` or `$`.
fn read_count(reader: &mut impl BufRead) -> Option<usize> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    line.trim_end().get(1..)?.parse().ok()
}
