//! The ledger: committee, jobs, blocks, certificates.

use aggregator::Certificate;
use alloy_primitives::{Address, B256, hex};
use axum::{Json, extract::State};
use protocol::{
    genesis::Genesis,
    ids::{Height, HubIndex, JobId},
};
use serde::{Deserialize, Serialize};

use super::{
    ApiError, Context,
    error::{Number, Parameters, Text},
};
use crate::views::{JobView, MemberView};

/// The most jobs of one answer.
const MAX_JOBS: usize = 200;

/// The most blocks of one answer, and the most bytes of their bodies.
const MAX_BLOCKS: u64 = 500;
const MAX_BLOCKS_BYTES: usize = 4 * 1024 * 1024;

/// A part of a list.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Page {
    /// The first number wanted.
    #[serde(default)]
    pub from: u64,
    /// How many at most.
    pub limit: Option<u64>,
    /// For jobs: the hub's place in the genesis.
    #[serde(default)]
    pub hub: u16,
}

/// `GET /v1/committee`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Committee {
    /// The committee.
    pub committee_id: u32,
    /// The epoch.
    pub epoch: u64,
    /// The quorum, and the threshold of the group key.
    pub quorum: usize,
    /// The compressed group key.
    pub group_key: Option<String>,
    /// The members.
    pub members: Vec<MemberView>,
}

/// A decided block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Block {
    /// Its height.
    pub height: u64,
    /// Its body, hex.
    pub body: String,
    /// Its commit certificate, hex.
    pub certificate: String,
}

pub(super) async fn genesis(State(context): State<Context>) -> Json<Genesis> {
    Json(context.genesis.as_ref().clone())
}

pub(super) async fn committee(State(context): State<Context>) -> Json<Committee> {
    let view = context.view.borrow().clone();
    Json(Committee {
        committee_id: view.status.committee_id,
        epoch: view.status.epoch,
        quorum: context.genesis.quorums().q,
        group_key: view.status.group_key.clone(),
        members: view.members.clone(),
    })
}

pub(super) async fn jobs(
    State(context): State<Context>,
    Parameters(page): Parameters<Page>,
) -> Result<Json<Vec<JobView>>, ApiError> {
    let wanted = page.limit.unwrap_or(MAX_JOBS as u64);
    let limit = usize::try_from(wanted).unwrap_or(MAX_JOBS).min(MAX_JOBS);
    let mut jobs = Vec::new();
    for id in context.archive.jobs(HubIndex(page.hub), page.from, limit)? {
        jobs.extend(find(&context, id)?);
    }
    Ok(Json(jobs))
}

pub(super) async fn job(
    State(context): State<Context>,
    Text(job): Text,
) -> Result<Json<JobView>, ApiError> {
    let id = JobId(parse_hash("job id", &job)?);
    find(&context, id)?.map(Json).ok_or_else(|| {
        ApiError::NotFound(format!(
            "job {id} was not opened on this ledger; it may not be final on its chain yet"
        ))
    })
}

fn find(context: &Context, id: JobId) -> Result<Option<JobView>, ApiError> {
    let view = context.view.borrow().clone();
    if let Some(open) = view.jobs.iter().find(|job| job.job_id == id.0) {
        return Ok(Some(open.clone()));
    }
    Ok(context.archive.job(id)?.map(|record| JobView::archived(id, &record)))
}

pub(super) async fn block(
    State(context): State<Context>,
    Number(height): Number,
) -> Result<Json<Block>, ApiError> {
    read_block(&context, height)?
        .map(Json)
        .ok_or_else(|| ApiError::NotFound(format!("no block at height {height} yet")))
}

pub(super) async fn blocks(
    State(context): State<Context>,
    Parameters(page): Parameters<Page>,
) -> Result<Json<Vec<Block>>, ApiError> {
    let limit = page.limit.unwrap_or(MAX_BLOCKS).min(MAX_BLOCKS);
    let mut blocks: Vec<Block> = Vec::new();
    let mut bytes = 0usize;
    for height in page.from.max(1)..page.from.max(1).saturating_add(limit) {
        let Some(block) = read_block(&context, height)? else { break };
        bytes = bytes.saturating_add(block.body.len());
        blocks.push(block);
        if bytes > MAX_BLOCKS_BYTES {
            break;
        }
    }
    Ok(Json(blocks))
}

fn read_block(context: &Context, height: u64) -> Result<Option<Block>, ApiError> {
    let body = context.store.block(Height(height))?;
    let certificate = context.store.certificate(Height(height))?;
    Ok(body.zip(certificate).map(|(body, certificate)| Block {
        height,
        body: hex::encode_prefixed(body),
        certificate: hex::encode_prefixed(certificate),
    }))
}

/// Which certificate is wanted.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct CertificateOf {
    chain_id: u64,
    hub: Address,
    #[serde(default)]
    after: B256,
}

pub(super) async fn certificate(
    State(context): State<Context>,
    Parameters(wanted): Parameters<CertificateOf>,
) -> Result<Json<Certificate>, ApiError> {
    context
        .archive
        .certificate(wanted.chain_id, wanted.hub, wanted.after)?
        .map(Json)
        .ok_or_else(|| ApiError::NotFound(format!("nothing newer than {} is signed", wanted.after)))
}

pub(super) async fn statement(
    State(context): State<Context>,
    Text(hash): Text,
) -> Result<Json<String>, ApiError> {
    let hash = parse_hash("hash", &hash)?;
    let statement = context.store.statement(hash)?;
    statement
        .map(|bytes| Json(hex::encode_prefixed(bytes)))
        .ok_or_else(|| ApiError::NotFound(format!("no statement or key with hash {hash}")))
}

pub(super) fn parse_hash(what: &str, text: &str) -> Result<B256, ApiError> {
    text.parse().map_err(|_| {
        ApiError::bad("BAD_HASH", format!("{what} must be 32 bytes of hex, is {text}"))
    })
}
