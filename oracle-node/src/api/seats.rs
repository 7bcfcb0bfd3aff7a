//! How many do something at a time.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A number of seats.
#[derive(Clone, Debug)]
pub struct Seats(Arc<Semaphore>);

/// One that is taken, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    _permit: OwnedSemaphorePermit,
}

impl Seats {
    /// All free.
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// One of them, if one is free.
    pub(crate) fn take(&self) -> Option<Seat> {
        self.0.clone().try_acquire_owned().ok().map(|permit| Seat { _permit: permit })
    }

    /// One of them, when one is free.
    pub(crate) async fn wait(&self) -> Option<Seat> {
        self.0.clone().acquire_owned().await.ok().map(|permit| Seat { _permit: permit })
    }
}

/// Lets a request on when a seat is free, before its body is read.
pub(super) async fn wait(State(seats): State<Seats>, request: Request, next: Next) -> Response {
    let _seat = seats.wait().await;
    next.run(request).await
}
