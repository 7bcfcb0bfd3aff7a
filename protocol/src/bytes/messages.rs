//! The messages themselves, one function each.

use alloy_primitives::{Address, B256, keccak256};

use super::{Preimage, Tag};
use crate::{
    ids::{Epoch, Height, JobId},
    job::JobDescriptor,
    outcome::{Judgement, Outcome},
};

/// The ledger's name: LEDGER over the hash of the genesis' canonical bytes.
pub fn ledger_id(genesis: &[u8]) -> B256 {
    Preimage::new(Tag::Ledger).word(keccak256(genesis)).hash()
}

/// A block's id: (BLOCK, ledgerId, height u64, keccak256(body)).
pub fn block_id(ledger: B256, height: Height, body: &[u8]) -> B256 {
    Preimage::new(Tag::Block).word(ledger).uint(height.0).word(keccak256(body)).hash()
}

/// A job's id, which commits to everything that its contract fixed.
pub fn job_id(job: &JobDescriptor) -> JobId {
    JobId(
        Preimage::new(Tag::Job)
            .uint(job.chain_id)
            .address(job.escrow)
            .uint(job.index)
            .address(job.provider)
            .bytes4(job.kind)
            .word(job.statement_hash)
            .uint(job.deadline_seconds)
            .hash(),
    )
}

/// The message whose group signature is the beacon of `height`.
pub fn beacon(ledger: B256, committee_id: u32, epoch: Epoch, height: Height) -> B256 {
    Preimage::new(Tag::Beacon).word(ledger).uint(committee_id).uint(epoch.0).uint(height.0).hash()
}

/// A job's challenge seed, from the 128-byte EIP-2537 form of its beacon's signature.
pub fn seed(beacon_signature: &[u8; 128], block_id: B256, job: JobId) -> B256 {
    Preimage::new(Tag::Seed).word(keccak256(beacon_signature)).word(block_id).word(job.0).hash()
}

/// What a judgement was about. `response` and `reported` are zero where there is none.
pub fn evidence(seed: B256, statement_hash: B256, response: B256, reported: B256) -> B256 {
    Preimage::new(Tag::Evidence)
        .word(seed)
        .word(statement_hash)
        .word(response)
        .word(reported)
        .hash()
}

/// The commitment that hides `judgement` until its reveal.
pub fn commitment(
    ledger: B256,
    job: JobId,
    operator: Address,
    judgement: &Judgement,
    salt: B256,
) -> B256 {
    Preimage::new(Tag::Commit)
        .word(ledger)
        .word(job.0)
        .address(operator)
        .uint(judgement.verdict.to_u8())
        .uint(judgement.code)
        .uint(judgement.value)
        .word(judgement.evidence)
        .word(salt)
        .hash()
}

/// An outcome as a leaf of its block's tree.
pub fn leaf(outcome: &Outcome) -> B256 {
    let judgement = &outcome.judgement;
    Preimage::new(Tag::Leaf)
        .word(outcome.job.0)
        .uint(judgement.verdict.to_u8())
        .uint(judgement.code)
        .uint(judgement.value)
        .word(judgement.evidence)
        .hash()
}

/// The accumulator after a batch of `count` outcomes with this root and these packed bytes.
pub fn accumulate(previous: B256, root: B256, packed: &[u8], count: u32) -> B256 {
    Preimage::new(Tag::Acc).word(previous).word(root).word(keccak256(packed)).uint(count).hash()
}

/// Where an attestation is heard: a hub on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubAddress {
    /// The chain.
    pub chain_id: u64,
    /// The hub contract.
    pub hub: Address,
}

/// What the committee says about `height` to one hub; its group signature settles jobs.
pub fn attestation(
    ledger: B256,
    to: HubAddress,
    committee_id: u32,
    epoch: Epoch,
    height: Height,
    block_id: B256,
    acc: B256,
) -> B256 {
    Preimage::new(Tag::Attest)
        .word(ledger)
        .uint(to.chain_id)
        .address(to.hub)
        .uint(committee_id)
        .uint(epoch.0)
        .uint(height.0)
        .word(block_id)
        .word(acc)
        .hash()
}

/// The proof of possession of the group key of `epoch`, as one hub checks it.
pub fn key_possession(
    ledger: B256,
    to: HubAddress,
    committee_id: u32,
    epoch: Epoch,
    key: &[u8; 256],
) -> B256 {
    Preimage::new(Tag::KeyPop)
        .word(ledger)
        .uint(to.chain_id)
        .address(to.hub)
        .uint(committee_id)
        .uint(epoch.0)
        .word(keccak256(key))
        .hash()
}

/// The handover to `key` of `next_epoch`, signed by the outgoing group.
pub fn rotation(
    ledger: B256,
    to: HubAddress,
    committee_id: u32,
    next_epoch: Epoch,
    key: &[u8; 256],
    last_height: Height,
) -> B256 {
    Preimage::new(Tag::Rotate)
        .word(ledger)
        .uint(to.chain_id)
        .address(to.hub)
        .uint(committee_id)
        .uint(next_epoch.0)
        .word(keccak256(key))
        .uint(last_height.0)
        .hash()
}

/// What a provider signs to own a response.
pub fn response_digest(
    ledger: B256,
    to: HubAddress,
    job: JobId,
    seed: B256,
    response: B256,
) -> B256 {
    Preimage::new(Tag::Response)
        .word(ledger)
        .uint(to.chain_id)
        .address(to.hub)
        .word(job.0)
        .word(seed)
        .word(response)
        .hash()
}

/// One part of a response as a leaf of the response's tree.
pub fn part_leaf(index: u32, count: u32, part: &[u8]) -> B256 {
    Preimage::new(Tag::Part).uint(index).uint(count).word(keccak256(part)).hash()
}

/// What a member's network key signs around its partial signature (compressed, 48 bytes).
pub fn partial_digest(ledger: B256, message: B256, index: u16, partial: &[u8]) -> B256 {
    Preimage::new(Tag::Partial)
        .word(ledger)
        .word(message)
        .uint(index)
        .word(keccak256(partial))
        .hash()
}
