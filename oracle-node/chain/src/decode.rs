//! From the hub's logs to events, or a reason why a log is none of the hub's.

use alloy_primitives::B256;
use alloy_sol_types::SolEvent;
use bindings::AttestationHub::{
    Attested, GroupKeyActivated, GroupKeyConfirmed, GroupKeyReady, VerificationRequested,
};
use bindings::rpc::Log;

use crate::config::ChainConfig;
use crate::event::{HubEvent, JobRequest, Position};

/// First topics of the events that a watcher reads.
pub const TOPICS: [B256; 5] = [
    VerificationRequested::SIGNATURE_HASH,
    GroupKeyConfirmed::SIGNATURE_HASH,
    GroupKeyReady::SIGNATURE_HASH,
    GroupKeyActivated::SIGNATURE_HASH,
    Attested::SIGNATURE_HASH,
];

/// A log, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A verification was asked for.
    Request(JobRequest),
    /// The hub said something else, here.
    Hub(HubEvent, Position),
}

/// Decodes a log of one of [`TOPICS`]; `time` is its block's.
///
/// # Errors
/// Says which log is none of the hub's, and why.
pub fn decode(config: &ChainConfig, log: &Log, time: u64) -> Result<Decoded, String> {
    let position =
        Position { block: log.block, time, transaction: log.transaction, log_index: log.log_index };
    let hub = |event| Ok(Decoded::Hub(event, position));
    match log.topics.first().copied() {
        Some(VerificationRequested::SIGNATURE_HASH) => {
            let event: VerificationRequested = decoded(log)?;
            Ok(Decoded::Request(JobRequest {
                chain_id: config.chain_id,
                hub: config.hub,
                job_id: event.jobId,
                job_index: event.jobIndex,
                provider: event.provider,
                escrow: event.escrow,
                kind: event.kind,
                deadline: event.deadline,
                statement: event.statement,
                position,
            }))
        }
        Some(GroupKeyConfirmed::SIGNATURE_HASH) => {
            let event: GroupKeyConfirmed = decoded(log)?;
            hub(HubEvent::KeyConfirmed {
                epoch: event.epoch,
                operator: event.operator,
                key_hash: event.keyHash,
                confirmations: event.confirmations,
                quorum: event.quorum,
            })
        }
        Some(GroupKeyReady::SIGNATURE_HASH) => {
            let event: GroupKeyReady = decoded(log)?;
            hub(HubEvent::KeyReady {
                epoch: event.epoch,
                committee_id: event.committeeId,
                key: event.key,
            })
        }
        Some(GroupKeyActivated::SIGNATURE_HASH) => {
            let event: GroupKeyActivated = decoded(log)?;
            hub(HubEvent::KeyActivated {
                epoch: event.epoch,
                committee_id: event.committeeId,
                ledger_id: event.ledgerId,
                last_height: event.lastHeight,
                key: event.key,
            })
        }
        Some(Attested::SIGNATURE_HASH) => {
            let event: Attested = decoded(log)?;
            hub(HubEvent::Attested { height: event.height, acc: event.acc })
        }
        other => Err(format!("a log with topic {other:?} was not asked for")),
    }
}

fn decoded<E: SolEvent>(log: &Log) -> Result<E, String> {
    E::decode_raw_log_validate(log.topics.iter().copied(), &log.data).map_err(|error| {
        format!(
            "log {} of block {} is no {}: {error}; is the hub's address right?",
            log.log_index,
            log.block.number,
            E::SIGNATURE
        )
    })
}
