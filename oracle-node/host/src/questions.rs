//! The driver's tasks: one question to the application each.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_malachitebft_core_consensus::{LocallyProposedValue, ProposedValue};
use arc_malachitebft_core_types::{
    CommitCertificate, Round, Validator as _, Validity, ValueOrigin,
};
use arc_malachitebft_engine::consensus::{ConsensusMsg, ConsensusRef};
use arc_malachitebft_engine::host::SyncedValueOutcome;
use arc_malachitebft_engine::network::NetworkMsg;
use arc_malachitebft_sync::RawDecidedValue;
use bytes::Bytes;
use consensus::{
    Address, BlockId, Height, LedgerContext, ProposalPart, block_id, encode_certificate,
};
use ractor::RpcReplyPort;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{debug, error, warn};

use crate::bodies::Verdict;
use crate::codec::{SYNC_BATCH, SYNC_RESPONSE_BYTES_MAX, decided_value};
use crate::config::BODY_BYTES_MAX;
use crate::driver::{Shared, send};
use crate::event::{Decided, Event, HostError, Propose, StoredBlock, StoredBlocks, Validate};
use crate::network::task_stream;
use crate::statements::{Stage, tell_body};

/// Room of a block beside its body in a sync answer, bytes.
const BLOCK_OVERHEAD_BYTES: usize = 16 * 1024;

/// Asks the application; `None` if it does not answer.
async fn ask<T>(shared: &Shared, event: impl FnOnce(oneshot::Sender<T>) -> Event) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    shared.events.send(event(reply)).await.ok()?;
    answer.await.ok()
}

async fn is_valid(shared: &Shared, height: Height, body: &Bytes) -> bool {
    validity(shared, height, body).await.unwrap_or(false)
}

/// As the application says; `None` if it does not answer, as when the height was decided meanwhile.
async fn validity(shared: &Shared, height: Height, body: &Bytes) -> Option<bool> {
    let body = body.to_vec();
    ask(shared, |reply| Event::Validate(Validate { height: height.0, body, reply })).await
}

/// Stores a body of the height under way; false if it can't be kept.
async fn store(
    shared: &Arc<Shared>,
    height: Height,
    round: u32,
    id: BlockId,
    body: Bytes,
    verdict: Verdict,
) -> bool {
    let task = Arc::clone(shared);
    let stored = spawn_blocking(move || {
        let mut bodies = task.bodies();
        if bodies.height() == height.0 { bodies.store(round, id, body, verdict) } else { Ok(None) }
    });
    match stored.await {
        Ok(Ok(stored)) => stored.is_some(),
        Ok(Err(cause)) => {
            shared.alarm.raise(cause);
            false
        }
        Err(_) => false,
    }
}

/// Sends the body of a proposal to the other operators.
pub(crate) fn stream_body(
    shared: &Shared,
    height: Height,
    round: Round,
    valid_round: Round,
    id: BlockId,
    body: Bytes,
) {
    let digest = consensus::body_digest(&shared.ledger_id, height.0, round, valid_round, id);
    let signature = match shared.key.sign(&digest) {
        Ok(signature) => signature,
        Err(cause) => return error!(%cause, "body not signed"),
    };
    let proposer = shared.address;
    tell_body(Stage::Sent, proposer, height, round, id);
    let part = ProposalPart { height, round, valid_round, proposer, body, signature };
    if shared.network.cast(NetworkMsg::PublishProposalPart(task_stream(part))).is_err() {
        debug!("network has stopped");
    }
}

/// Builds, checks and stores this node's own proposal, sends its body, and tells the engine.
pub(crate) async fn propose(
    shared: Arc<Shared>,
    height: Height,
    round: u32,
    patience: Duration,
    reply: RpcReplyPort<LocallyProposedValue<LedgerContext>>,
) {
    // A node that proposed before a restart must propose the same again.
    let known = shared.bodies().own(round);
    let (id, body) = match known {
        Some(known) => known,
        None => match timeout(patience, build(&shared, height, round)).await {
            Ok(Some(built)) => built,
            Ok(None) => return,
            Err(_) => return warn!(height = height.0, round, "no body in time, not proposing"),
        },
    };
    let round = Round::new(round);
    stream_body(&shared, height, round, Round::Nil, id, body);
    send(reply, LocallyProposedValue::new(height, round, id));
}

async fn build(shared: &Arc<Shared>, height: Height, round: u32) -> Option<(BlockId, Bytes)> {
    let asked = ask(shared, |reply| Event::Propose(Propose { height: height.0, reply }));
    let body = Bytes::from(asked.await?);
    if body.len() > BODY_BYTES_MAX {
        error!(height = height.0, bytes = body.len(), "body is too long, not proposing");
        return None;
    }
    match validity(shared, height, &body).await {
        Some(true) => {}
        Some(false) => {
            error!(height = height.0, "own body is invalid, not proposing");
            return None;
        }
        None => {
            debug!(height = height.0, "own body is not judged, not proposing");
            return None;
        }
    }
    let id = block_id(&shared.ledger_id, height.0, &body);
    let task = Arc::clone(shared);
    let kept = body.clone();
    let stored = spawn_blocking(move || {
        let mut bodies = task.bodies();
        if bodies.height() != height.0 {
            return Ok(false);
        }
        bodies.store_own(round, id, kept).map(|()| true)
    });
    match stored.await {
        Ok(Ok(true)) => Some((id, body)),
        Ok(Ok(false)) | Err(_) => None,
        Ok(Err(cause)) => {
            shared.alarm.raise(cause);
            None
        }
    }
}

/// Judges and stores a body; the engine gets the verdict. `None` if it can't be kept.
async fn judge(
    shared: &Arc<Shared>,
    height: Height,
    round: u32,
    id: BlockId,
    body: Bytes,
) -> Option<Validity> {
    let known = shared.bodies().get(&id).map(|(_, verdict)| verdict);
    let verdict = match known {
        Some(Verdict::Valid) => return Some(Validity::Valid),
        Some(Verdict::Invalid) => return Some(Validity::Invalid),
        Some(Verdict::Unknown) | None => is_valid(shared, height, &body).await,
    };
    let kept = if verdict { Verdict::Valid } else { Verdict::Invalid };
    let stored = store(shared, height, round, id, body, kept).await;
    stored.then_some(Validity::from_bool(verdict))
}

/// Judges a body that a proposer sent.
pub(crate) async fn judge_part(
    shared: Arc<Shared>,
    part: ProposalPart,
    reply: RpcReplyPort<ProposedValue<LedgerContext>>,
) {
    let id = part.block_id(&shared.ledger_id);
    let round = part.round.as_u32().unwrap_or_default();
    if let Some(validity) = judge(&shared, part.height, round, id, part.body).await {
        send(
            reply,
            ProposedValue {
                height: part.height,
                round: part.round,
                valid_round: part.valid_round,
                proposer: part.proposer,
                value: id,
                validity,
            },
        );
    }
}

/// Judges a body from before a restart.
pub(crate) async fn recall(
    shared: Arc<Shared>,
    consensus: ConsensusRef<LedgerContext>,
    height: Height,
    round: u32,
    id: BlockId,
    body: Bytes,
) {
    let Some(validity) = judge(&shared, height, round, id, body).await else { return };
    let round = Round::new(round);
    let value = ProposedValue {
        height,
        round,
        valid_round: Round::Nil,
        proposer: *shared.validators.proposer(height, round).address(),
        value: id,
        validity,
    };
    if consensus.cast(ConsensusMsg::ReceivedProposedValue(value, ValueOrigin::Consensus)).is_err() {
        debug!("engine has stopped");
    }
}

/// Takes a body that came by sync. Its certificate has been checked by the engine, which will also compare the
/// ids; whether the application agrees is asked when it is decided.
pub(crate) async fn take_synced(
    shared: Arc<Shared>,
    height: Height,
    round: u32,
    proposer: Address,
    body: Bytes,
    reply: RpcReplyPort<SyncedValueOutcome<LedgerContext>>,
) {
    if body.len() > BODY_BYTES_MAX {
        return send(reply, SyncedValueOutcome::PeerFault);
    }
    let id = block_id(&shared.ledger_id, height.0, &body);
    let known = shared.bodies().get(&id).is_some();
    if !known && !store(&shared, height, round, id, body, Verdict::Unknown).await {
        return send(reply, SyncedValueOutcome::LocalTransientError);
    }
    shared.synced.fetch_max(height.0, Ordering::AcqRel);
    let value = ProposedValue {
        height,
        round: Round::new(round),
        valid_round: Round::Nil,
        proposer,
        value: id,
        validity: Validity::Valid,
    };
    send(reply, SyncedValueOutcome::Verdict(value));
}

/// Hands a decided block to the application.
pub(crate) async fn settle(
    shared: Arc<Shared>,
    certificate: CommitCertificate<LedgerContext>,
    reply: RpcReplyPort<()>,
) {
    let height = certificate.height;
    let id = certificate.value_id;
    let Some((body, verdict)) = shared.bodies().get(&id) else {
        return shared.alarm.raise(HostError::BodyMissing { height: height.0, block_id: id.0 });
    };
    if verdict != Verdict::Valid && !is_valid(&shared, height, &body).await {
        return shared.alarm.raise(HostError::DecidedInvalid { height: height.0, block_id: id.0 });
    }
    let block = |reply| {
        Event::Decided(Decided {
            height: height.0,
            body: body.to_vec(),
            block_id: id.0,
            certificate: encode_certificate(&certificate),
            reply,
        })
    };
    if ask(&shared, block).await.is_none() {
        let question = "Decided";
        return shared.alarm.raise(HostError::Application { question, height: height.0 });
    }
    let progress = &shared.progress;
    if shared.synced.load(Ordering::Acquire) == height.0 {
        progress.synced.add();
    } else {
        progress.voted.add();
    }
    progress.set_decided(height.0);
    shared.stored.notify_one();
    send(reply, ());
}

/// Reads blocks for an operator that lags, as many as fit in an answer.
pub(crate) async fn blocks(
    shared: Arc<Shared>,
    from: u64,
    to: u64,
    reply: RpcReplyPort<Vec<RawDecidedValue<LedgerContext>>>,
) {
    let to = to.min(from.saturating_add(SYNC_BATCH as u64 - 1));
    let asked = ask(&shared, |reply| Event::StoredBlocks(StoredBlocks { from, to, reply }));
    let stored = asked.await.unwrap_or_default();
    let mut values = Vec::new();
    let mut room = SYNC_RESPONSE_BYTES_MAX;
    for (block, expected) in stored.into_iter().zip(from..=to) {
        let StoredBlock { height, body, .. } = &block;
        let size = body.len() + BLOCK_OVERHEAD_BYTES;
        if *height != expected || size > room {
            break;
        }
        room -= size;
        match decided_value(block) {
            Some(value) => values.push(value),
            None => {
                error!(height = expected, "stored block has no valid certificate, not served");
                break;
            }
        }
    }
    send(reply, values);
}

/// Asks how far back the application can serve.
pub(crate) async fn earliest(shared: Arc<Shared>, reply: RpcReplyPort<Height>) {
    let earliest = ask(&shared, Event::EarliestHeight).await.unwrap_or(1);
    send(reply, Height(earliest));
}
