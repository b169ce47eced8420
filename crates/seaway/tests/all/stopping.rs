//! A signal while an effect is in hand: it is finished or sent again under the same key, and the promotion goes on after a restart.

use crate::running::Plane;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// As long as a stop may take, the end of the process with it.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// A request that was read and not yet answered.
struct Request {
    line: String,
    headers: BTreeMap<String, String>,
    stream: TcpStream,
}

impl Request {
    fn accept(server: &TcpListener) -> Self {
        let (stream, _) = server.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let line = lines.next().unwrap();
        let header = |line: String| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        let headers = lines.take_while(|line| !line.is_empty()).filter_map(header).collect();
        Self { line, headers, stream }
    }

    fn key(&self) -> &str {
        &self.headers["idempotency-key"]
    }

    fn answer(mut self) {
        self.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    }
}

/// A control plane with a promotion whose PUT has arrived.
fn in_hand(server: &TcpListener) -> (Plane, String, Request) {
    let plane = Plane::start();
    let url = format!("http://{}/told", server.local_addr().unwrap());
    let steps = format!(
        "      - uses: http\n        as: tell\n        config: {{ url: '{url}', method: PUT, timeout: 5m }}\n\
         \x20     - uses: compose-output\n        as: after\n        config: {{ seen: '1' }}\n"
    );
    let documents = crate::running::BANK.replace("      - uses: fail\n        config: { message: not today }\n", &steps);
    let said = plane.apply(&documents, &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = plane.apply(crate::running::FREIGHT, &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = plane.ok(&["promote", "qa", "--freight", "1.5.0"]);
    let name = said.split_whitespace().nth(1).unwrap().to_owned();
    let request = Request::accept(server);
    assert!(request.line.starts_with("PUT /told "), "{}", request.line);
    (plane, name, request)
}

/// Waits for the end of a process that was told to stop.
fn ended(plane: Plane, since: Instant) -> TempDir {
    let (status, home) = plane.end();
    assert_eq!(status.code(), Some(0));
    assert!(since.elapsed() < STOP_WITHIN, "it took {:?}", since.elapsed());
    home
}

fn goes_on(plane: &Plane, name: &str) {
    let logs = plane.ok(&["logs", "-f", name]);
    assert!(logs.ends_with("Succeeded\n") && logs.contains("after"), "{logs}");
}

#[test]
fn an_effect_that_is_answered_while_stopping_is_done_once() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let (plane, name, request) = in_hand(&server);
    let since = Instant::now();
    plane.terminate();
    plane.line(|line| line.contains("stopping"));
    request.answer();
    let plane = Plane::on(ended(plane, since));
    goes_on(&plane, &name);
    server.set_nonblocking(true).unwrap();
    assert!(server.accept().is_err(), "the request was sent again");
}

#[test]
fn an_effect_without_an_answer_is_sent_again_under_the_same_key() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let (plane, name, request) = in_hand(&server);
    let since = Instant::now();
    plane.terminate();
    let home = ended(plane, since);
    let plane = Plane::on(home);
    let again = Request::accept(&server);
    assert_eq!(again.line, request.line);
    assert_eq!(again.key(), request.key());
    again.answer();
    goes_on(&plane, &name);
}
