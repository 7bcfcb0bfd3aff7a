//! Following one node: its stream while it lasts, polls beside and instead.

use std::time::Duration;

use alloy_primitives::{Address, B256};
use tokio::{
    sync::mpsc,
    time::{Instant, interval, sleep},
};

use crate::{Challenge, NodeClient, SseParser};

const BACKOFF_FIRST: Duration = Duration::from_millis(250);
const BACKOFF_LONGEST: Duration = Duration::from_secs(10);
/// A stream that lasted this long was a good one: backoff begins anew.
const GOOD_STREAM: Duration = Duration::from_secs(30);
/// While the stream is up, polls are this many times rarer.
const POLLS_RARER_BESIDE_STREAM: u32 = 5;

/// A node's word.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) node: usize,
    pub(crate) challenge: Challenge,
}

/// Who follows, and what for.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) node: usize,
    pub(crate) name: String,
    pub(crate) client: NodeClient,
    pub(crate) ledger: B256,
    pub(crate) provider: Address,
    pub(crate) poll_interval: Duration,
    pub(crate) words: mpsc::Sender<Word>,
}

/// Nobody listens any more.
struct Stopped;

impl Watcher {
    /// Follows the node until nobody listens.
    pub(crate) async fn run(self) {
        let mut backoff = BACKOFF_FIRST;
        loop {
            let since = Instant::now();
            if self.follow_stream().await.is_err() {
                return;
            }
            if since.elapsed() >= GOOD_STREAM {
                backoff = BACKOFF_FIRST;
            }
            if self.poll_during(backoff).await.is_err() {
                return;
            }
            backoff = (backoff * 2).min(BACKOFF_LONGEST);
        }
    }

    /// Polls for the time that the stream is left alone.
    async fn poll_during(&self, pause: Duration) -> Result<(), Stopped> {
        let retry = sleep(pause);
        tokio::pin!(retry);
        let mut polls = interval(self.poll_interval);
        loop {
            tokio::select! {
                () = &mut retry => return Ok(()),
                _ = polls.tick() => self.poll().await?,
                () = self.words.closed() => return Err(Stopped),
            }
        }
    }

    async fn follow_stream(&self) -> Result<(), Stopped> {
        let mut stream = tokio::select! {
            opened = self.client.stream() => match opened {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(node = %self.name, %error, "no stream of challenges");
                    return Ok(());
                }
            },
            () = self.words.closed() => return Err(Stopped),
        };
        tracing::info!(node = %self.name, "following the node's challenges");
        let mut parser = SseParser::new();
        // The first tick is at once: the stream may show only what is new.
        let mut polls = interval(self.poll_interval * POLLS_RARER_BESIDE_STREAM);
        loop {
            tokio::select! {
                piece = stream.chunk() => match piece {
                    Ok(Some(bytes)) => match parser.push(&bytes) {
                        Ok(events) => {
                            for event in events.into_iter().filter(|e| e.name == "challenge") {
                                self.say(&event.data).await?;
                            }
                        }
                        Err(error) => {
                            tracing::warn!(node = %self.name, %error, "leaving the stream");
                            return Ok(());
                        }
                    },
                    Ok(None) => return Ok(()),
                    Err(error) => {
                        tracing::warn!(node = %self.name, %error, "the stream broke off");
                        return Ok(());
                    }
                },
                _ = polls.tick() => self.poll().await?,
                () = self.words.closed() => return Err(Stopped),
            }
        }
    }

    async fn poll(&self) -> Result<(), Stopped> {
        match self.client.challenges().await {
            Ok(challenges) => {
                for challenge in challenges {
                    self.say(challenge.to_string().as_bytes()).await?;
                }
            }
            Err(error) => tracing::warn!(node = %self.name, %error, "no challenges"),
        }
        Ok(())
    }

    async fn say(&self, json: &[u8]) -> Result<(), Stopped> {
        match Challenge::from_json(json, self.ledger, self.provider) {
            Ok(challenge) => {
                let word = Word { node: self.node, challenge };
                self.words.send(word).await.map_err(|_| Stopped)
            }
            Err(error) => {
                tracing::warn!(node = %self.name, %error, "a challenge is not taken");
                Ok(())
            }
        }
    }
}
