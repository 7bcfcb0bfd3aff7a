//! Clients that are slow, too many, or too long, over real sockets.

use std::{convert::Infallible, net::SocketAddr};

use axum::{
    body::{Body, Bytes},
    routing::{get, post},
};
use futures::stream;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::Instant,
};

use super::*;

/// No single wait of a test is longer.
const PATIENCE: Duration = Duration::from_secs(50);

fn limits() -> Limits {
    let short = Duration::from_millis(300);
    Limits { connections: 4, head: short, answer: short, write: short, buffer: 16 * 1024 }
}

async fn server(limits: Limits) -> (SocketAddr, watch::Sender<bool>) {
    let endless = || async {
        let chunks = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from(vec![b'x'; 1 << 16])));
        Body::from_stream(chunks)
    };
    let router = Router::new()
        .route("/hello", get(async || "hello"))
        .route("/echo", post(async |body: Bytes| body))
        .route("/endless", get(endless))
        .layer(axum::extract::DefaultBodyLimit::max(1000));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stopper, stop) = watch::channel(false);
    tokio::spawn(serve(listener, router, limits, stop));
    (address, stopper)
}

/// Sends bytes, and reads until the server closes.
async fn told(address: SocketAddr, bytes: &[u8]) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, client.read_to_end(&mut answer)).await.expect("it is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn half_a_head_is_closed_and_so_is_an_idle_connection() {
    let (address, _stopper) = server(limits()).await;
    assert_eq!(told(address, b"GET /hello HTTP/1.1\r\nHost:").await, "");
    assert_eq!(told(address, b"").await, "");
    let answer = told(address, b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn half_a_body_is_answered_as_timed_out() {
    let (address, _stopper) = server(limits()).await;
    let begun = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf";
    let answer = told(address, begun).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("TIMED_OUT"), "{answer}");
}

#[tokio::test]
async fn long_heads_and_bodies_are_refused() {
    let (address, _stopper) = server(limits()).await;
    let head = format!("GET /hello HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    assert!(!told(address, head.as_bytes()).await.contains("200 OK"));
    let body = "x".repeat(1001);
    let long = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n{body}");
    let answer = told(address, long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn client_that_reads_nothing_is_closed_and_frees_its_place() {
    let (address, _stopper) = server(Limits { connections: 1, ..limits() }).await;
    let mut deaf = TcpStream::connect(address).await.unwrap();
    deaf.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    // The only place is taken until the server gives the deaf one up.
    let answer =
        told(address, b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_served_at_once() {
    let long = Duration::from_secs(2);
    let (address, _stopper) = server(Limits { head: long, connections: 2, ..limits() }).await;
    let idle =
        [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    let begun = Instant::now();
    let answer =
        told(address, b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("hello"), "{answer}");
    assert!(begun.elapsed() >= long / 2, "served beside {} others", idle.len());
}

#[tokio::test]
async fn stopping_ends_idle_connections() {
    let long = Duration::from_secs(3600);
    let (address, stopper) = server(Limits { head: long, ..limits() }).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stopper.send_replace(true);
    let mut rest = Vec::new();
    timeout(PATIENCE, idle.read_to_end(&mut rest)).await.expect("it is closed").unwrap();
}

#[test]
fn seats_are_free_again_when_they_are_left() {
    let seats = Seats::new(2);
    let (first, second) = (seats.take().unwrap(), seats.take());
    assert!(second.is_some() && seats.take().is_none());
    drop(first);
    assert!(seats.take().is_some());
}
