//! Every RPC endpoint of a chain, alone and against the others.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256, Bytes};
use bindings::rpc::{BlockId, Header, LogBlocks};
use chain::Finality;
use eyre::{Result, bail, eyre};
use oracle_node::config::Chain;

use super::{Endpoint, report::Report};

/// Times that an endpoint is asked to see how long it takes.
const LATENCY_TRIES: usize = 5;
/// A median answer slower than this slows the node down.
const LATENCY_SLOW: Duration = Duration::from_millis(1_000);
/// A head older than this, in seconds, is a chain or an endpoint that stalls.
const HEAD_AGE_MAX_S: u64 = 60;
/// A final block older than this, in seconds, is a chain that does not finalise.
const FINAL_AGE_MAX_S: u64 = 3_600;
/// Blocks that a watcher reads the logs of at once.
const LOGS_BLOCKS: u64 = 200;
/// Blocks by which a head may lag behind another endpoint's.
const LAG_MAX: u64 = 5;
/// The precompile that adds points of G1 (EIP-2537), and the length of its input and output.
const G1_ADD: Address = Address::with_last_byte(0x0b);
const G1_ADD_INPUT: usize = 256;
const G1_ADD_OUTPUT: usize = 128;

const OTHER: &str = "use another endpoint in chains.rpc_urls, your own if you can";

/// Looks at all; gives those that can be asked on.
pub(super) async fn check(report: &mut Report, chain: &Chain) -> Vec<bindings::rpc::Rpc> {
    let mut usable = Vec::new();
    let mut heads = Vec::new();
    for (index, url) in chain.rpc_urls.iter().enumerate() {
        let endpoint = match Endpoint::new(chain, index, url) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                let name = format!("chain {} rpc {index}", chain.chain_id);
                report.failed(&name, error, "correct chains.rpc_urls");
                continue;
            }
        };
        let name = &endpoint.name;
        let Some(()) = report.need(name, answers(&endpoint, chain).await, OTHER) else { continue };
        latency(report, &endpoint).await;
        let head = report.need(&format!("{name} head"), head(&endpoint).await, OTHER);
        if let Some(head) = head {
            age(report, name, &head);
            finality(report, &endpoint, chain, &head).await;
            logs(report, &endpoint, chain, &head).await;
            heads.push((endpoint.name.clone(), endpoint.rpc.clone(), head));
        }
        precompiles(report, &endpoint).await;
        usable.push(endpoint.rpc);
    }
    agreement(report, chain, &heads).await;
    usable
}

async fn answers(endpoint: &Endpoint, chain: &Chain) -> Result<()> {
    let found = endpoint.rpc.chain_id().await?;
    if found != chain.chain_id {
        bail!("is of chain {found}, not {}", chain.chain_id);
    }
    Ok(())
}

async fn latency(report: &mut Report, endpoint: &Endpoint) {
    let mut times = Vec::new();
    for _ in 0..LATENCY_TRIES {
        let begun = Instant::now();
        if let Err(error) = endpoint.rpc.chain_id().await {
            let found = format!("answered once, and then not: {error}");
            return report.failed(&endpoint.name, found, OTHER);
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    let found = format!(
        "is of this chain, answers in {} ms in the middle, {} ms at worst",
        median.as_millis(),
        worst.as_millis()
    );
    report.warn_if(&endpoint.name, found, (median > LATENCY_SLOW).then_some(OTHER));
}

async fn head(endpoint: &Endpoint) -> Result<Header> {
    endpoint.rpc.header(BlockId::Latest).await?.ok_or_else(|| eyre!("there is no head"))
}

fn seconds_since(time: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs().saturating_sub(time)
}

fn age(report: &mut Report, name: &str, head: &Header) {
    let age = seconds_since(head.time);
    let found = format!("block {}, {age} s old", head.number);
    let next = "the endpoint does not follow the chain: look at its log, or use another";
    report.warn_if(&format!("{name} head"), found, (age > HEAD_AGE_MAX_S).then_some(next));
}

async fn finality(report: &mut Report, endpoint: &Endpoint, chain: &Chain, head: &Header) {
    let check = format!("{} finality", endpoint.name);
    match chain.finality {
        Finality::Depth(depth) => report.warning(
            &check,
            format_args!("taken as final {depth} blocks below the head"),
            "only for chains on which no deeper re-organisation can happen; see chains.finality",
        ),
        Finality::Finalized => match endpoint.rpc.header(BlockId::Finalized).await {
            Ok(Some(last)) => {
                let age = seconds_since(last.time);
                let lag = head.number.saturating_sub(last.number);
                let found = format!(
                    "final up to block {}, {lag} behind the head, {age} s old",
                    last.number
                );
                let next =
                    "the chain does not finalise, or the endpoint lags: compare with another";
                report.warn_if(&check, found, (age > FINAL_AGE_MAX_S).then_some(next));
            }
            Ok(None) => report.failed(
                &check,
                "no finalized block",
                "use an endpoint that has the tag, or set chains.finality to a depth",
            ),
            Err(error) => report.failed(&check, error, OTHER),
        },
    }
}

async fn logs(report: &mut Report, endpoint: &Endpoint, chain: &Chain, head: &Header) {
    let check = format!("{} logs", endpoint.name);
    let from = head.number.saturating_sub(LOGS_BLOCKS - 1);
    let blocks = LogBlocks::Range { from, to: head.number };
    let count = head.number - from + 1;
    match endpoint.rpc.logs(chain.hub, blocks, &[]).await {
        Ok(found) => {
            report
                .ok(&check, format_args!("{} of the hub in the last {count} blocks", found.len()));
        }
        Err(error) => report.failed(&check, format_args!("{count} blocks: {error}"), OTHER),
    }
}

async fn precompiles(report: &mut Report, endpoint: &Endpoint) {
    let check = format!("{} EIP-2537", endpoint.name);
    let input = Bytes::from(vec![0u8; G1_ADD_INPUT]);
    let request = serde_json::json!({ "to": G1_ADD, "data": input });
    let asked = endpoint.rpc.request::<_, Bytes>("eth_call", (request, BlockId::Latest)).await;
    match asked {
        Ok(output) if output.len() == G1_ADD_OUTPUT => {
            report.ok(&check, "the chain can check the group's signatures");
        }
        Ok(_) => report.failed(
            &check,
            "the chain has no BLS12-381 precompiles",
            "the hub cannot work here: it needs Ethereum Prague or later",
        ),
        Err(error) => report.failed(&check, error, OTHER),
    }
}

/// Whether endpoints of one chain tell the same story.
async fn agreement(
    report: &mut Report,
    chain: &Chain,
    heads: &[(String, bindings::rpc::Rpc, Header)],
) {
    let check = format!("chain {} endpoints", chain.chain_id);
    let numbers = heads.iter().map(|(_, _, head)| head.number);
    let (Some(lowest), Some(highest)) = (numbers.clone().min(), numbers.max()) else {
        let next = "no endpoint works: the node sees no jobs and settles nothing";
        return report.failed(&check, "none can be used", next);
    };
    if heads.len() == 1 {
        return report.warning(
            &check,
            "one can be used",
            "name a second one, of another provider, in chains.rpc_urls",
        );
    }
    // Below every head, and below what a short re-organisation may replace.
    let common = lowest.saturating_sub(LAG_MAX);
    let mut hashes: Vec<(&str, B256)> = Vec::new();
    for (name, rpc, _) in heads {
        if let Ok(Some(header)) = rpc.header(BlockId::Number(common)).await {
            hashes.push((name, header.hash));
        }
    }
    let first = hashes.first().map(|(_, hash)| *hash);
    let other = hashes.iter().find(|(_, hash)| Some(*hash) != first);
    if let Some((name, hash)) = other {
        let found = format!("block {common} is {hash} at {name}, and another at the first");
        let next = "one of them follows another chain: find out which, and stop the node meanwhile";
        return report.failed(&check, found, next);
    }
    let found = format!("{} agree on block {common}; heads {lowest} to {highest}", hashes.len());
    let lags = highest - lowest > LAG_MAX;
    report.warn_if(&check, found, lags.then_some("one lags: look at it, or put it last"));
}
