//! Serving with bounds: how many connections, and how long each may take over anything.
//!
//! `axum::serve` has none: a client that sends half a request, or reads nothing, keeps its connection for ever.

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use super::{error::ApiError, patience::Patient, seats::Seats};

/// Pause after a connection could not be accepted: usually there are no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bounds of connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at a time; more wait to be accepted.
    pub(crate) connections: usize,
    /// For the next request's head, idling included.
    pub(crate) head: Duration,
    /// For a request's body and the beginning of its answer.
    pub(crate) answer: Duration,
    /// During which nothing of an answer is taken.
    pub(crate) write: Duration,
    /// Bytes of a connection's buffer, and so of a request's head.
    pub(crate) buffer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            head: Duration::from_secs(30),
            answer: Duration::from_secs(30),
            write: Duration::from_secs(30),
            buffer: 64 * 1024,
        }
    }
}

/// Serves until the node stops; then answers that are under way end first.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let router = router.layer(from_fn_with_state(limits.answer, in_time));
    let seats = Seats::new(limits.connections);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &seats) => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            () = stopped(&mut stop) => break,
        };
        let Some((stream, seat)) = accepted else { continue };
        let (router, stop) = (router.clone(), stop.clone());
        connections.spawn(async move {
            converse(stream, router, limits, stop).await;
            drop(seat);
        });
    }
    while connections.join_next().await.is_some() {}
}

async fn accept(listener: &TcpListener, seats: &Seats) -> Option<(TcpStream, super::seats::Seat)> {
    let seat = seats.wait().await?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, seat)),
        Err(error) => {
            tracing::debug!(%error, "API connection not accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn converse(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let io = TokioIo::new(Patient::new(stream, limits.write));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.buffer)
        .serve_connection(io, TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "API connection has ended");
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A node that is gone has stopped, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn in_time(State(patience): State<Duration>, request: Request, next: Next) -> Response {
    match timeout(patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::TimedOut.into_response(),
    }
}

#[cfg(test)]
mod tests;
