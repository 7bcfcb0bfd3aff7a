//! The async shell: asks the endpoints, and turns what holds together into events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256};
use bindings::rpc::{
    Backoff, BlockId, BlockRef, Endpoints, Header, Limits, LogBlocks, Rpc, RpcError,
};
use futures::StreamExt;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::config::{ChainConfig, ConfigError, FINALITY_STALL_FACTOR, Finality};
use crate::confirm::confirm;
use crate::decode::{Decoded, TOPICS, decode};
use crate::event::{ChainEvent, Cursor, PartialBlock, Trouble};
use crate::page::{self, PAGE_LOGS_MAX, Page, PageFault};

/// Headers asked for at one time.
const HEADERS_IN_FLIGHT: usize = 8;
/// How often in a row a contradiction with what was delivered must be seen before the watcher halts.
const BREAK_SIGHTINGS: u32 = 3;
/// First and longest pause after failures.
const BACKOFF_BASE: Duration = Duration::from_millis(500);
const BACKOFF_CAP: Duration = Duration::from_secs(60);
/// The least between two looks at the head, as a part of the usual time between them, however often a look is asked for.
const LOOK_PART_MIN: u32 = 8;

/// Why a watcher should not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The endpoint is of another chain.
    #[error(
        "rpc endpoint {endpoint} is of chain {found}, the config says {expected}; fix chain_id or rpc_urls"
    )]
    WrongChain {
        /// The endpoint, without its path.
        endpoint: String,
        /// The chain configured.
        expected: u64,
        /// The chain found.
        found: u64,
    },
    /// There is no contract at the hub's address.
    #[error("chain {chain_id} has no contract at the hub's address {hub}; fix hub")]
    NoHub {
        /// The chain.
        chain_id: u64,
        /// The address configured.
        hub: Address,
    },
    /// The endpoint can't be asked now; watching may still start, and goes on when it can.
    #[error("rpc endpoint {endpoint}: {error}")]
    Rpc {
        /// The endpoint, without its path.
        endpoint: String,
        /// What happened.
        error: RpcError,
    },
}

/// Follows one chain from a cursor.
///
/// Only final blocks are reported, each event once and in order. A page of blocks is used only if its headers link to each
/// other and to the last page, and its logs to its headers. Failures are retried at the next endpoint, and with growing
/// pauses when all fail; they show as one `Unhealthy` and, later, one `Healthy`.
#[derive(Debug)]
pub struct Watcher {
    config: ChainConfig,
    endpoints: Endpoints,
    cursor: Cursor,
    queue: VecDeque<ChainEvent>,
    /// Blocks to ask for at once, smaller than the config's after answers that were too large.
    range: u64,
    head: Option<Head>,
    /// The last final block of the endpoint, and since when.
    finalized: Option<(u64, Instant)>,
    /// The head at which the cursor's block was last seen in its place.
    cursor_checked_at: Option<BlockRef>,
    chain_checked: bool,
    healthy: bool,
    break_sightings: u32,
    wake_at: Option<Instant>,
    /// Asks for a look at the head before it is time.
    lookout: Arc<Notify>,
    halted: bool,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    /// The highest.
    block: BlockRef,
    /// The latest, which another endpoint may have given.
    seen: B256,
    /// Since when `seen` is the same.
    since: Instant,
}

enum Step {
    Read,
    Idle,
}

/// Why a step came to nothing.
pub(crate) enum Fault {
    Trouble(Trouble),
    Broken { expected: BlockRef, found: B256 },
}

impl From<RpcError> for Fault {
    fn from(error: RpcError) -> Self {
        Self::Trouble(match error {
            RpcError::Busy { status, retry_after } => Trouble::Busy { status, retry_after },
            RpcError::Malformed(why) => Trouble::Inconsistent(why),
            other => Trouble::Unreachable(other.to_string()),
        })
    }
}

impl From<PageFault> for Fault {
    fn from(fault: PageFault) -> Self {
        match fault {
            PageFault::Inconsistent(why) => Self::Trouble(Trouble::Inconsistent(why)),
            PageFault::Broken { expected, found } => Self::Broken { expected, found },
        }
    }
}

impl Watcher {
    /// A watcher that goes on after `cursor`. No request is made.
    pub fn new(config: ChainConfig, cursor: Cursor) -> Result<Self, ConfigError> {
        config.validate()?;
        let limits = Limits {
            request_timeout: Duration::from_millis(config.request_timeout_ms),
            ..Limits::default()
        };
        let backoff = Backoff::new(BACKOFF_BASE.min(config.poll_interval()), BACKOFF_CAP);
        let endpoints = Endpoints::new(&config.rpc_urls, limits, backoff)
            .map_err(|error| ConfigError { key: "rpc_urls", problem: error.to_string() })?;
        Ok(Self {
            range: config.max_range,
            config,
            endpoints,
            cursor,
            queue: VecDeque::new(),
            head: None,
            finalized: None,
            cursor_checked_at: None,
            chain_checked: false,
            healthy: true,
            break_sightings: 0,
            wake_at: None,
            lookout: Arc::default(),
            halted: false,
        })
    }

    /// Looks at the head soon after each notification instead of when it is time: for who knows that there is something
    /// new. What is being read goes on, pauses after failures stay, and looks keep an eighth of the usual distance.
    #[must_use]
    pub fn with_lookout(mut self, lookout: Arc<Notify>) -> Self {
        self.lookout = lookout;
        self
    }

    /// The configuration.
    pub fn config(&self) -> &ChainConfig {
        &self.config
    }

    /// How far the chain was read; events up to here may still wait to be taken.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Asks the first endpoint whether it is of the right chain and has the hub, so that a mistake in the config shows at
    /// start. Watching does not need it: a wrong endpoint is refused all the same.
    pub async fn probe(&self) -> Result<(), ProbeError> {
        let Some(rpc) = self.endpoints.current() else { return Ok(()) };
        let endpoint = rpc.label().to_owned();
        let failed = |error| ProbeError::Rpc { endpoint: endpoint.clone(), error };
        let expected = self.config.chain_id;
        let found = rpc.chain_id().await.map_err(failed)?;
        if found != expected {
            return Err(ProbeError::WrongChain { endpoint, expected, found });
        }
        if rpc.code(self.config.hub).await.map_err(failed)?.is_empty() {
            return Err(ProbeError::NoHub { chain_id: expected, hub: self.config.hub });
        }
        Ok(())
    }

    /// The next event, as soon as there is one; `None` once the watcher has halted. Dropping the future loses no event,
    /// only requests under way: a caller with much else to do takes a [`Watcher::into_channel`] instead.
    pub async fn next(&mut self) -> Option<ChainEvent> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if self.halted {
                return None;
            }
            if let Some(wake_at) = self.wake_at {
                self.wait(wake_at).await;
                self.wake_at = None;
            }
            let Some(rpc) = self.endpoints.current().cloned() else {
                self.halt(ChainEvent::NoEndpoint);
                continue;
            };
            match self.step(&rpc).await {
                Ok(step) => self.succeeded(&rpc, step),
                Err(Fault::Trouble(trouble)) => self.failed(&rpc, trouble),
                Err(Fault::Broken { expected, found }) => self.broken(&rpc, expected, found).await,
            }
        }
    }

    async fn wait(&self, wake_at: Instant) {
        let soonest = Instant::now() + self.config.poll_interval() / LOOK_PART_MIN;
        tokio::select! {
            () = tokio::time::sleep_until(wake_at) => {}
            () = self.lookout.notified(), if self.healthy => {
                tokio::time::sleep_until(soonest.min(wake_at)).await;
            }
        }
    }

    /// Watches in a task of its own, at most `capacity` events ahead of the receiver. The task ends when the receiver is
    /// dropped or the watcher halts.
    pub fn into_channel(mut self, capacity: usize) -> mpsc::Receiver<ChainEvent> {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    event = self.next() => event,
                    () = sender.closed() => None,
                };
                let Some(event) = event else { break };
                if sender.send(event).await.is_err() {
                    break;
                }
            }
        });
        receiver
    }

    fn succeeded(&mut self, rpc: &Rpc, step: Step) {
        self.endpoints.succeed();
        self.break_sightings = 0;
        if !self.healthy {
            self.healthy = true;
            self.queue.push_front(ChainEvent::Healthy { endpoint: rpc.label().to_owned() });
        }
        match step {
            Step::Read => {}
            Step::Idle => self.wake_at = Some(Instant::now() + self.config.poll_interval()),
        }
    }

    fn failed(&mut self, rpc: &Rpc, trouble: Trouble) {
        tracing::warn!(chain_id = self.config.chain_id, endpoint = rpc.label(), %trouble, "chain read failed");
        self.chain_checked = false;
        let refused = matches!(trouble, Trouble::WrongChain { .. });
        let asked = match &trouble {
            Trouble::Busy { retry_after, .. } => retry_after.unwrap_or_default().min(BACKOFF_CAP),
            _ => Duration::ZERO,
        };
        if self.healthy || refused {
            self.healthy = false;
            let endpoint = rpc.label().to_owned();
            self.queue.push_back(ChainEvent::Unhealthy { endpoint, trouble });
        }
        if refused {
            self.endpoints.refuse();
        } else {
            // No pause means that there is another endpoint to ask.
            let pause = self.endpoints.fail(rand::random());
            let pause = if pause.is_zero() { pause } else { pause.max(asked) };
            self.wake_at = Some(Instant::now() + pause);
        }
    }

    /// The endpoint denies a block that was delivered. Another endpoint that still has it clears the matter; else it must
    /// be seen several times, so that one bad answer stops nobody.
    async fn broken(&mut self, rpc: &Rpc, expected: BlockRef, found: B256) {
        let others: Vec<Rpc> = self.endpoints.others().cloned().collect();
        for other in others {
            let header = other.header(BlockId::Number(expected.number)).await;
            if header.is_ok_and(|it| it.is_some_and(|it| it.hash == expected.hash)) {
                let why =
                    format!("block {} is {found}, elsewhere {}", expected.number, expected.hash);
                return self.failed(rpc, Trouble::Inconsistent(why));
            }
        }
        self.break_sightings = self.break_sightings.saturating_add(1);
        if self.break_sightings < BREAK_SIGHTINGS {
            let why = format!("block {} is {found}, was {}", expected.number, expected.hash);
            return self.failed(rpc, Trouble::Inconsistent(why));
        }
        tracing::error!(
            chain_id = self.config.chain_id,
            number = expected.number,
            expected = %expected.hash,
            %found,
            "re-organisation beyond finality; halted for this chain"
        );
        self.halt(ChainEvent::ReorgBeyondFinality { expected, found });
    }

    fn halt(&mut self, event: ChainEvent) {
        self.halted = true;
        self.queue.push_back(event);
    }

    async fn step(&mut self, rpc: &Rpc) -> Result<Step, Fault> {
        if !self.chain_checked {
            let found = rpc.chain_id().await?;
            if found != self.config.chain_id {
                return Err(Fault::Trouble(Trouble::WrongChain { found }));
            }
            self.chain_checked = true;
        }
        // Before the head, so that it can't have moved past it meanwhile.
        let finalized = match self.config.finality {
            Finality::Depth(_) => None,
            Finality::Finalized => rpc.header(BlockId::Finalized).await?.map(|it| it.number),
        };
        let latest = existing(rpc.header(BlockId::Latest).await?, "head")?;
        if let Some(finalized) = finalized
            && finalized > latest.number
        {
            let why = format!("block {finalized} is final above the head {}", latest.number);
            return Err(Fault::Trouble(Trouble::Inconsistent(why)));
        }
        self.follow_head(rpc, &latest).await?;
        if let Some(read) = self.cursor.block
            && latest.number < read.number
        {
            let trouble = Trouble::Lagging { head: latest.number, cursor: read.number };
            return Err(Fault::Trouble(trouble));
        }
        let last_final = match self.config.finality {
            Finality::Depth(depth) => latest.number.checked_sub(depth),
            Finality::Finalized => finalized,
        };
        self.follow_finality(last_final);
        let from = match self.cursor.block {
            Some(read) => read.number.saturating_add(1),
            None => self.config.start_block,
        };
        match last_final {
            Some(last) if last >= from => {
                self.read(rpc, from, last, latest.number).await?;
                Ok(Step::Read)
            }
            _ => {
                self.check_cursor(rpc, &latest).await?;
                self.check_stall()?;
                Ok(Step::Idle)
            }
        }
    }

    /// Compares the head with the one before, to tell of re-organisations that finality makes harmless.
    async fn follow_head(&mut self, rpc: &Rpc, latest: &Header) -> Result<(), Fault> {
        let now = Head { block: latest.block_ref(), seen: latest.hash, since: Instant::now() };
        let Some(Head { block: old, seen, .. }) = self.head else {
            self.head = Some(now);
            return Ok(());
        };
        if latest.hash == seen {
            return Ok(());
        }
        if latest.hash == old.hash || latest.number < old.number {
            self.head = Some(Head { block: old, ..now });
            return Ok(());
        }
        let extends = latest.parent_hash == old.hash;
        if !extends {
            let new =
                existing(rpc.header(BlockId::Number(old.number)).await?, "block before the head")?;
            if new.hash != old.hash {
                self.queue.push_back(ChainEvent::Reorg { old, new: new.block_ref() });
            }
        }
        self.head = Some(now);
        Ok(())
    }

    /// With nothing to read, whether what was read is still there. Asked once a head.
    async fn check_cursor(&mut self, rpc: &Rpc, latest: &Header) -> Result<(), Fault> {
        let Some(read) = self.cursor.block else { return Ok(()) };
        if self.cursor_checked_at == Some(latest.block_ref()) {
            return Ok(());
        }
        let there = existing(rpc.header(BlockId::Number(read.number)).await?, "block read before")?;
        if there.hash != read.hash {
            return Err(Fault::Broken { expected: read, found: there.hash });
        }
        self.cursor_checked_at = Some(latest.block_ref());
        Ok(())
    }

    fn follow_finality(&mut self, last_final: Option<u64>) {
        let last = last_final.unwrap_or_default();
        if self.finalized.is_none_or(|(known, _)| known != last) {
            self.finalized = Some((last, Instant::now()));
        }
    }

    fn check_stall(&self) -> Result<(), Fault> {
        let (Some(head), Some((last, final_since))) = (self.head, self.finalized) else {
            return Ok(());
        };
        let (after, number) = (self.config.stall_after(), head.block.number);
        let trouble = if head.since.elapsed() > after {
            Trouble::Stalled { head: number }
        } else if final_since.elapsed() > after.saturating_mul(FINALITY_STALL_FACTOR) {
            Trouble::NotFinalizing { head: number, last }
        } else {
            return Ok(());
        };
        Err(Fault::Trouble(trouble))
    }

    /// Reads final blocks `from..=last`, or as many of them as one page holds.
    async fn read(&mut self, rpc: &Rpc, from: u64, last: u64, head: u64) -> Result<(), Fault> {
        let to = last.min(from.saturating_add(self.range.saturating_sub(1)));
        let logs = match rpc.logs(self.config.hub, LogBlocks::Range { from, to }, &TOPICS).await {
            Ok(logs) if logs.len() > PAGE_LOGS_MAX => Err(RpcError::TooLarge(PAGE_LOGS_MAX)),
            other => other,
        };
        let logs = match logs {
            Ok(logs) => logs,
            Err(RpcError::TooLarge(_) | RpcError::Answered { .. }) if to > from => {
                self.range = (to - from).div_ceil(2);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let headers = read_headers(rpc, from, to).await?;
        let mut page = page::check(self.config.hub, self.cursor.block, from..=to, headers, logs)?;
        confirm(&self.endpoints, rpc, self.config.hub, &mut page).await?;
        self.deliver(page, head)?;
        self.range = self.range.saturating_mul(2).min(self.config.max_range);
        Ok(())
    }

    /// Queues a page's events and moves the cursor behind it.
    fn deliver(&mut self, page: Page, head: u64) -> Result<(), Fault> {
        let skip = self.cursor.partial;
        let mut events = Vec::with_capacity(page.logs.len());
        let mut logs = page.logs.iter().peekable();
        let mut cursor = self.cursor;
        let mut last = None;
        for header in &page.headers {
            let block = header.block_ref();
            let resumed = skip.filter(|it| it.block.number == block.number);
            if let Some(resumed) = resumed
                && resumed.block.hash != block.hash
            {
                return Err(Fault::Broken { expected: resumed.block, found: block.hash });
            }
            while let Some(log) = logs.next_if(|log| log.block.number == block.number) {
                if resumed.is_some_and(|it| log.log_index < it.next_log) {
                    continue;
                }
                let next_log = log.log_index.saturating_add(1);
                cursor.partial = Some(PartialBlock { block, next_log });
                let decoded = decode(&self.config, log, header.time)
                    .map_err(|why| Fault::Trouble(Trouble::Inconsistent(why)))?;
                events.push(match decoded {
                    Decoded::Request(request) => ChainEvent::Requested { request, cursor },
                    Decoded::Hub(event, position) => ChainEvent::Hub { event, position, cursor },
                });
            }
            cursor = Cursor { block: Some(block), partial: None };
            last = Some((block, header.time));
        }
        if let Some((block, time)) = last {
            events.push(ChainEvent::Finalized { block, time, head, cursor });
        }
        self.cursor = cursor;
        self.queue.extend(events);
        Ok(())
    }
}

fn existing(header: Option<Header>, what: &str) -> Result<Header, Fault> {
    header.ok_or_else(|| Fault::Trouble(Trouble::Inconsistent(format!("it has no {what}"))))
}

async fn read_headers(rpc: &Rpc, from: u64, to: u64) -> Result<Vec<Header>, Fault> {
    let answers = futures::stream::iter(from..=to)
        .map(|number| rpc.header(BlockId::Number(number)))
        .buffered(HEADERS_IN_FLIGHT);
    futures::pin_mut!(answers);
    let mut headers = Vec::new();
    while let Some(answer) = answers.next().await {
        headers.push(existing(answer?, "block of a range that it says is final")?);
    }
    Ok(headers)
}
