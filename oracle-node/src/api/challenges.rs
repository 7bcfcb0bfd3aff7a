//! Challenges, as a list and as a stream of server-sent events.

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use alloy_primitives::{Address, B256};
use axum::{
    Json,
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, stream};
use serde::Deserialize;

use super::{
    Context,
    error::{ApiError, Parameters},
    seats::Seat,
};
use crate::views::Challenge;

/// Pause between signs of life on a silent stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Whose challenges.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Of {
    provider: Address,
}

fn of(context: &Context, provider: Address) -> Vec<Challenge> {
    let view = context.view.borrow();
    view.challenges.iter().filter(|challenge| challenge.provider == provider).cloned().collect()
}

pub(super) async fn list(
    State(context): State<Context>,
    Parameters(wanted): Parameters<Of>,
) -> Json<Vec<Challenge>> {
    Json(of(&context, wanted.provider))
}

/// What a stream remembers.
struct Streaming {
    context: Context,
    provider: Address,
    sent: BTreeSet<B256>,
    waiting: Vec<Challenge>,
    /// Freed when the stream ends.
    _seat: Seat,
}

pub(super) async fn stream(
    State(context): State<Context>,
    Parameters(wanted): Parameters<Of>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let seat = context.streams.take().ok_or_else(|| {
        ApiError::Unavailable("as many streams are open as this node serves; ask later".into())
    })?;
    let streaming = Streaming {
        waiting: of(&context, wanted.provider),
        context,
        provider: wanted.provider,
        sent: BTreeSet::new(),
        _seat: seat,
    };
    let events = stream::unfold(streaming, |mut streaming| async move {
        let challenge = streaming.next().await?;
        let event = Event::default().event("challenge").json_data(&challenge).ok()?;
        Some((Ok(event), streaming))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

impl Streaming {
    /// The next challenge that was not sent; none when the node stops.
    async fn next(&mut self) -> Option<Challenge> {
        loop {
            while let Some(challenge) = self.waiting.pop() {
                if self.sent.insert(challenge.job_id) {
                    return Some(challenge);
                }
            }
            tokio::select! {
                changed = self.context.view.changed() => changed.ok()?,
                _ = self.context.stop.wait_for(|stop| *stop) => return None,
            }
            self.waiting = of(&self.context, self.provider);
            let open: BTreeSet<B256> = self.waiting.iter().map(|it| it.job_id).collect();
            self.sent.retain(|job| open.contains(job));
        }
    }
}
