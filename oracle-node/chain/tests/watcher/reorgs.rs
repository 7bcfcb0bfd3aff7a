//! Re-organisations below and beyond finality, on a real chain.

use crate::support::{Devnet, cursor, next, statements, until, until_read};
use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolCall;
use assay_chain::{ChainEvent, Cursor, Finality, Trouble, Watcher};
use bindings::anvil::Mining;

fn halted(event: &ChainEvent) -> bool {
    matches!(event, ChainEvent::ReorgBeyondFinality { .. })
}

/// Statement, job index, block number and log index of each request.
fn places(events: &[ChainEvent]) -> Vec<(String, u64, u64, u64)> {
    let place = |event: &ChainEvent| match event {
        ChainEvent::Requested { request, .. } => Some((
            String::from_utf8(request.statement.to_vec()).unwrap(),
            request.job_index,
            request.position.block.number,
            request.position.log_index,
        )),
        _ => None,
    };
    events.iter().filter_map(place).collect()
}

async fn raw(devnet: &Devnet, transaction: B256) -> Bytes {
    devnet.anvil.rpc().request("eth_getRawTransactionByHash", (transaction,)).await.unwrap()
}

/// The block that a transaction is in.
async fn block_of(devnet: &Devnet, transaction: B256) -> u64 {
    let receipt: serde_json::Value =
        devnet.anvil.rpc().request("eth_getTransactionReceipt", (transaction,)).await.unwrap();
    let number = receipt["blockNumber"].as_str().unwrap();
    u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap()
}

/// Sends a request, and does not wait for its block.
async fn send(devnet: &Devnet, statement: &str) -> B256 {
    let (call, fee) = devnet.request_call(statement).await;
    let input = call.abi_encode().into();
    devnet.wallet.send(Some(devnet.deployment.hub), fee, input).await.unwrap()
}

#[tokio::test]
async fn watcher_request_reorged_into_a_later_block_is_reported_once_at_its_last_place() {
    let devnet = Devnet::start().await;
    let transaction = send(&devnet, "moved").await;
    let first = devnet.head().await;
    let mut watcher = devnet.watch(Finality::Depth(4));
    until_read(&mut watcher, first - 4).await;
    let raw = raw(&devnet, transaction).await;
    devnet.anvil.reorg(1).await.unwrap();
    devnet.anvil.mine(2).await.unwrap();
    devnet.anvil.rpc().send_raw(&raw).await.unwrap();
    devnet.anvil.mine(8).await.unwrap();
    // The miner may see what is in the pool a block later.
    let place = block_of(&devnet, transaction).await;
    assert!(place > first, "{place}");
    let events = until_read(&mut watcher, first + 6).await;
    assert_eq!(places(&events), [("moved".to_owned(), 1, place, 0)]);
}

#[tokio::test]
async fn watcher_requests_reorged_into_another_order_are_reported_as_they_are_now() {
    let devnet = Devnet::start().await;
    devnet.anvil.set_mining(Mining::Manual).await.unwrap();
    let mut raws = Vec::new();
    for statement in ["a", "b"] {
        let transaction = send(&devnet, statement).await;
        raws.push((raw(&devnet, transaction).await, 0));
    }
    devnet.anvil.mine(1).await.unwrap();
    let block = devnet.head().await;
    let mut watcher = devnet.watch(Finality::Depth(4));
    until_read(&mut watcher, block - 4).await;
    // Only the first of the two is in the new block, and then another request.
    devnet.anvil.reorg_with(1, &raws[..1]).await.unwrap();
    send(&devnet, "c").await;
    devnet.anvil.mine(5).await.unwrap();
    let events = until_read(&mut watcher, block + 1).await;
    let expected = [("a".to_owned(), 1, block, 0), ("c".to_owned(), 2, block + 1, 0)];
    assert_eq!(places(&events), expected);
    let is_reorg = |it: &&ChainEvent| matches!(it, ChainEvent::Reorg { .. });
    assert_eq!(events.iter().filter(is_reorg).count(), 1);
}

#[tokio::test]
async fn watcher_by_the_finalized_tag_reads_again_what_a_reorg_below_it_replaced() {
    let devnet = Devnet::start().await;
    devnet.request("lost").await;
    let lost_at = devnet.head().await;
    devnet.anvil.mine(60).await.unwrap();
    let mut watcher = devnet.watch(Finality::Finalized);
    devnet.anvil.mine(1).await.unwrap();
    until(&mut watcher, |it| matches!(it, ChainEvent::Finalized { .. })).await;
    devnet.anvil.reorg(devnet.head().await - lost_at + 1).await.unwrap();
    devnet.request("kept").await;
    let kept_at = devnet.head().await;
    devnet.anvil.mine(100).await.unwrap();
    let events = until_read(&mut watcher, kept_at).await;
    assert_eq!(statements(&events), ["kept"]);
}

/// Delivers a request, replaces its block, and expects a halt, now and after a restart.
async fn check_halt(finality: Finality, blocks_to_finality: u64) {
    let devnet = Devnet::start().await;
    devnet.request("delivered").await;
    let requested_at = devnet.head().await;
    devnet.anvil.mine(blocks_to_finality).await.unwrap();
    let mut watcher = devnet.watch(finality);
    let events = until_read(&mut watcher, requested_at).await;
    assert_eq!(statements(&events), ["delivered"]);
    let stored = events.iter().filter_map(cursor).next_back().unwrap();

    devnet.anvil.reorg(devnet.head().await - requested_at + 1).await.unwrap();
    devnet.request("instead").await;
    devnet.anvil.mine(blocks_to_finality).await.unwrap();
    let events = until(&mut watcher, halted).await;
    assert_eq!(statements(&events), [""; 0]);
    assert_eq!(next(&mut watcher).await, None);

    let mut again = Watcher::new(devnet.config(finality), stored).unwrap();
    assert_eq!(statements(&until(&mut again, halted).await), [""; 0]);
    assert_eq!(next(&mut again).await, None);
    // What a person who lifts the halt gets.
    let mut lifted = Watcher::new(devnet.config(finality), Cursor::START).unwrap();
    let events = until_read(&mut lifted, requested_at + 1).await;
    assert_eq!(statements(&events), ["instead"]);
}

#[tokio::test]
async fn watcher_deep_reorg_at_a_depth_halts_for_good() {
    check_halt(Finality::Depth(3), 3).await;
}

#[tokio::test]
async fn watcher_deep_reorg_by_the_finalized_tag_halts_for_good() {
    check_halt(Finality::Finalized, 80).await;
}

#[tokio::test]
async fn watcher_deep_reorg_to_a_shorter_chain_waits_and_halts_once_it_grows() {
    let devnet = Devnet::start().await;
    let snapshot: String = devnet.anvil.rpc().request("evm_snapshot", ()).await.unwrap();
    let mut watcher = devnet.watch(Finality::Depth(0));
    devnet.request("delivered").await;
    let head = devnet.head().await;
    until_read(&mut watcher, head).await;
    let _: bool = devnet.anvil.rpc().request("evm_revert", (snapshot,)).await.unwrap();
    let events = until(&mut watcher, |it| matches!(it, ChainEvent::Unhealthy { .. })).await;
    let Some(ChainEvent::Unhealthy { trouble: Trouble::Lagging { cursor, .. }, .. }) =
        events.last()
    else {
        panic!("{events:?}")
    };
    assert_eq!(*cursor, head);
    devnet.anvil.mine(2).await.unwrap();
    assert_eq!(statements(&until(&mut watcher, halted).await), [""; 0]);
    assert_eq!(next(&mut watcher).await, None);
}
