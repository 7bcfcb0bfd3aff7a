//! What the chain and the exported ledgers say, without asking the operators how they think it went.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::{SolCall as _, SolEvent as _};
use assay_cli::{demo::audit, devnet::Devnet};
use bindings::{
    AttestationHub,
    rpc::{BlockId, LogBlocks},
};
use eyre::{Result, eyre};
use serde::Deserialize;

/// Bytes of an outcome in a batch: index u64 ‖ verdict u8 ‖ code u16 ‖ value u128.
const OUTCOME_BYTES: usize = 27;

/// What comes out of a check: lines for the report, and what is not as it must be.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Facts.
    pub(crate) facts: Vec<String>,
    /// Problems.
    pub(crate) problems: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Sent {
    input: Bytes,
}

/// Counts, in the calldata of every transaction by which the hub recorded outcomes, how often each
/// job is there.
pub(crate) async fn attested_once(devnet: &Devnet, indices: &[u64]) -> Result<Findings> {
    let (rpc, deployment) = (devnet.evm().rpc(), devnet.deployment());
    let head = rpc.header(BlockId::Latest).await?.ok_or_else(|| eyre!("the chain has no head"))?;
    let range = LogBlocks::Range { from: deployment.start_block, to: head.number };
    let events =
        [AttestationHub::Attested::SIGNATURE_HASH, AttestationHub::OutcomeSkipped::SIGNATURE_HASH];
    let logs = rpc.logs(deployment.hub, range, &events).await?;
    let mut times: BTreeMap<u64, usize> = BTreeMap::new();
    let (mut submissions, mut skipped) = (0, 0);
    for log in logs {
        if log.topics.first() == Some(&AttestationHub::OutcomeSkipped::SIGNATURE_HASH) {
            skipped += 1;
            continue;
        }
        submissions += 1;
        let sent: Sent = rpc.request("eth_getTransactionByHash", (log.transaction,)).await?;
        let call = AttestationHub::submitCall::abi_decode(&sent.input)?;
        for outcome in call.batches.iter().flat_map(|it| it.packed.chunks(OUTCOME_BYTES)) {
            let index = outcome.first_chunk().ok_or_else(|| eyre!("an outcome is cut off"))?;
            *times.entry(u64::from_be_bytes(*index)).or_default() += 1;
        }
    }
    let mut findings = Findings::default();
    let once = indices.iter().filter(|index| times.get(index) == Some(&1)).count();
    findings.facts.push(format!(
        "hub: {once} of {} jobs in one submission each; {submissions} submissions, {skipped} \
         outcomes skipped as recorded before",
        indices.len()
    ));
    if once != indices.len() || times.len() != indices.len() || skipped != 0 {
        findings.problems.push(format!("the hub was told of jobs this often: {times:?}"));
    }
    Ok(findings)
}

/// Exports every operator's ledger, and audits each of them against the chain.
pub(crate) async fn ledgers(
    devnet: &Devnet,
    height: u64,
    digest: B256,
    jobs: usize,
) -> Result<Findings> {
    let mut findings = Findings::default();
    let all = 0..devnet.operators().len();
    for number in all.clone() {
        // A response of a job that was concluded while a node was down, others have.
        let others: Vec<usize> = all.clone().filter(|other| *other != number).collect();
        let name = devnet.operators()[number].name();
        let audited = match audit(devnet, number, &others, height).await {
            Ok(audited) => audited,
            Err(error) => {
                findings.problems.push(format!("{name}: {error:#}"));
                continue;
            }
        };
        let report = &audited.report;
        let count = |path: &str| {
            let found = report.pointer(path).and_then(serde_json::Value::as_u64);
            found.ok_or_else(|| eyre!("audit verify --json has no {path}"))
        };
        let (opened, open) = (count("/counts/jobs_opened")?, count("/jobs_open")?);
        let (settled, pending) = (count("/chain/0/settled")?, count("/chain/0/pending")?);
        let requests = count("/chain/0/requests")?;
        findings.facts.push(format!(
            "{name}: audit to height {height} derives {}; {opened} jobs opened, {open} open, \
             {settled} settled on chain, {} facts, {} of them skipped",
            audited.state_digest,
            count("/counts/facts")?,
            count("/counts/facts_skipped")?,
        ));
        if audited.state_digest != digest {
            findings.problems.push(format!("{name}'s ledger gives another state than {digest}"));
        }
        let jobs = jobs as u64;
        if [opened, settled, requests] != [jobs; 3] || [open, pending] != [0; 2] {
            findings.problems.push(format!(
                "{name}: of {jobs} jobs {requests} are requested, {opened} opened, {settled} \
                 settled; {open} are open, {pending} pending"
            ));
        }
    }
    Ok(findings)
}
