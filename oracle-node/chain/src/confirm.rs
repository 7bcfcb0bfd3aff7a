//! Half pages and lies: what a page says is compared with other endpoints, as far as they answer. Its last block must be
//! theirs, and the logs of each block whose bloom filter speaks of the hub are asked for again by the block's hash.

use alloy_primitives::Address;
use bindings::rpc::{BlockId, Endpoints, Header, Log, LogBlocks, Rpc};

use crate::decode::TOPICS;
use crate::event::Trouble;
use crate::page::{self, Page};
use crate::watcher::Fault;

/// Puts those logs into the page on which two endpoints agree; on which `rpc`, the one in use, agrees with itself, if no
/// other answers.
pub(crate) async fn confirm(
    endpoints: &Endpoints,
    rpc: &Rpc,
    hub: Address,
    page: &mut Page,
) -> Result<(), Fault> {
    if let Some(last) = page.headers.last() {
        confirm_header(endpoints, last).await?;
    }
    let mut confirmed = Vec::with_capacity(page.logs.len());
    for suspect in std::mem::take(&mut page.suspects) {
        let Some(header) = page.headers.iter().find(|it| it.number == suspect.number) else {
            continue;
        };
        let shown = page.logs.iter().filter(|log| log.block == suspect).cloned().collect();
        confirmed.extend(confirm_block(endpoints, rpc, hub, header, shown).await?);
    }
    page.logs = confirmed;
    Ok(())
}

/// Refuses a block that others deny and none confirms; its parents are linked to it.
async fn confirm_header(endpoints: &Endpoints, header: &Header) -> Result<(), Fault> {
    let mut denied = None;
    for other in endpoints.others() {
        match other.header(BlockId::Number(header.number)).await {
            Ok(Some(there)) if there.hash == header.hash => return Ok(()),
            Ok(Some(there)) => denied = Some((other.label(), there.hash)),
            Ok(None) | Err(_) => {}
        }
    }
    let Some((other, hash)) = denied else { return Ok(()) };
    let why = format!("block {} is {}, at endpoint {other} {hash}", header.number, header.hash);
    Err(Fault::Trouble(Trouble::Inconsistent(why)))
}

async fn confirm_block(
    endpoints: &Endpoints,
    rpc: &Rpc,
    hub: Address,
    header: &Header,
    shown: Vec<Log>,
) -> Result<Vec<Log>, Fault> {
    let mut denied = None;
    let mut elsewhere = Vec::new();
    for other in endpoints.others() {
        match ask_elsewhere(other, hub, header).await {
            Elsewhere::Logs(logs) if logs == shown && !shown.is_empty() => return Ok(logs),
            Elsewhere::Logs(logs) => {
                elsewhere.push(logs);
                denied = Some(other.label());
            }
            Elsewhere::AnotherBlock => denied = Some(other.label()),
            Elsewhere::Silence => {}
        }
    }
    let own = rpc.logs(hub, LogBlocks::Hash(header.hash), &TOPICS).await?;
    let own = page::check_block_logs(hub, header, own)?;
    let why = if !shown.iter().all(|log| holds(&own, log)) {
        format!("a page shows logs that block {} has not", header.number)
    } else if let Some(other) = denied
        && !elsewhere.contains(&own)
    {
        format!("endpoint {other} shows another block {} or other logs in it", header.number)
    } else {
        return Ok(own);
    };
    Err(Fault::Trouble(Trouble::Inconsistent(why)))
}

/// Whether logs of one block, in their order, hold this one.
fn holds(logs: &[Log], log: &Log) -> bool {
    let found = logs.binary_search_by_key(&log.log_index, |it| it.log_index);
    found.ok().and_then(|position| logs.get(position)) == Some(log)
}

/// What another endpoint says of a block.
enum Elsewhere {
    /// It has the block, and these logs of the hub in it.
    Logs(Vec<Log>),
    /// It has another block in its place.
    AnotherBlock,
    /// Nothing that can be used.
    Silence,
}

async fn ask_elsewhere(other: &Rpc, hub: Address, header: &Header) -> Elsewhere {
    if let Ok(logs) = other.logs(hub, LogBlocks::Hash(header.hash), &TOPICS).await {
        return page::check_block_logs(hub, header, logs)
            .map_or(Elsewhere::Silence, Elsewhere::Logs);
    }
    match other.header(BlockId::Number(header.number)).await {
        Ok(Some(there)) if there.hash != header.hash => Elsewhere::AnotherBlock,
        Ok(_) | Err(_) => Elsewhere::Silence,
    }
}
