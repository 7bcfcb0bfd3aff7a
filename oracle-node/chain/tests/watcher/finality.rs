//! When events are reported, and what re-organisations do, on a real chain.

use crate::support::{Devnet, cursor, next, statements, until, until_read};
use assay_chain::{ChainEvent, Cursor, Finality, Watcher};

#[tokio::test]
async fn watcher_at_a_depth_reports_a_request_once_that_many_blocks_follow() {
    let devnet = Devnet::start().await;
    devnet.request("first").await;
    let requested_at = devnet.head().await;
    let mut watcher = devnet.watch(Finality::Depth(3));
    let early = until_read(&mut watcher, requested_at - 3).await;
    assert_eq!(statements(&early), [""; 0]);

    devnet.anvil.mine(3).await.unwrap();
    let events = until_read(&mut watcher, requested_at).await;
    assert_eq!(statements(&events), ["first"]);
    let ChainEvent::Requested { request, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(request.position.block.number, requested_at);
    assert_eq!(request.job_index, 1);
    assert_eq!(request.escrow, devnet.wallet.address());
    assert_eq!(request.hub, devnet.deployment.hub);
}

#[tokio::test]
async fn watcher_by_the_finalized_tag_waits_for_the_tag() {
    let devnet = Devnet::start().await;
    devnet.request("first").await;
    let requested_at = devnet.head().await;
    let mut watcher = devnet.watch(Finality::Finalized);
    devnet.anvil.mine(100).await.unwrap();
    let events = until_read(&mut watcher, requested_at).await;
    assert_eq!(statements(&events), ["first"]);
}

#[tokio::test]
async fn watcher_reads_again_what_a_reorg_below_finality_replaced() {
    let devnet = Devnet::start().await;
    let mut watcher = devnet.watch(Finality::Depth(4));
    devnet.request("lost").await;
    let replaced = devnet.head().await;
    let before = until_read(&mut watcher, replaced - 4).await;
    assert_eq!(statements(&before), [""; 0]);

    devnet.anvil.reorg(1).await.unwrap();
    devnet.request("kept").await;
    devnet.anvil.mine(5).await.unwrap();
    let events = until_read(&mut watcher, replaced + 1).await;
    assert_eq!(statements(&events), ["kept"]);
    let reorgs: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ChainEvent::Reorg { old, new } => Some((old.number, new.number)),
            _ => None,
        })
        .collect();
    assert_eq!(reorgs, [(replaced, replaced)]);
}

#[tokio::test]
async fn watcher_halts_for_good_at_a_reorg_beyond_finality() {
    let devnet = Devnet::start().await;
    let mut watcher = devnet.watch(Finality::Depth(0));
    devnet.request("delivered").await;
    let head = devnet.head().await;
    let events = until_read(&mut watcher, head).await;
    assert_eq!(statements(&events), ["delivered"]);
    let stored = events.iter().filter_map(cursor).next_back().unwrap();

    devnet.anvil.reorg(1).await.unwrap();
    let halted = |event: &ChainEvent| matches!(event, ChainEvent::ReorgBeyondFinality { .. });
    let events = until(&mut watcher, halted).await;
    assert_eq!(statements(&events), [""; 0]);
    let Some(ChainEvent::ReorgBeyondFinality { expected, found }) = events.last() else { panic!() };
    assert_eq!(Some(*expected), stored.block);
    assert_ne!(expected.hash, *found);
    assert_eq!(next(&mut watcher).await, None);
    devnet.anvil.mine(3).await.unwrap();
    assert_eq!(next(&mut watcher).await, None);

    let mut again = Watcher::new(devnet.config(Finality::Depth(0)), stored).unwrap();
    let events = until(&mut again, halted).await;
    assert_eq!(statements(&events), [""; 0]);
    assert_eq!(next(&mut again).await, None);
}

#[tokio::test]
async fn watcher_halts_when_a_block_delivered_in_part_is_replaced() {
    let devnet = Devnet::start().await;
    let mut watcher = devnet.watch(Finality::Depth(0));
    devnet.request("delivered").await;
    let events = until(&mut watcher, |event| matches!(event, ChainEvent::Requested { .. })).await;
    let stored = events.iter().filter_map(cursor).next_back().unwrap();
    assert!(stored.partial.is_some());
    devnet.anvil.reorg(1).await.unwrap();

    let mut again = Watcher::new(devnet.config(Finality::Depth(0)), stored).unwrap();
    let halted = |event: &ChainEvent| matches!(event, ChainEvent::ReorgBeyondFinality { .. });
    let events = until(&mut again, halted).await;
    assert_eq!(statements(&events), [""; 0]);
}

#[tokio::test]
async fn watcher_restarted_from_any_cursor_loses_and_repeats_nothing() {
    let devnet = Devnet::start().await;
    devnet.request("alone").await;
    devnet.anvil.set_mining(bindings::anvil::Mining::Manual).await.unwrap();
    let mut sent = Vec::new();
    for statement in ["together 1", "together 2", "together 3"] {
        use alloy_sol_types::SolCall;
        let (call, fee) = devnet.request_call(statement).await;
        let input = call.abi_encode().into();
        sent.push(devnet.wallet.send(Some(devnet.deployment.hub), fee, input).await.unwrap());
    }
    devnet.anvil.mine(2).await.unwrap();
    for transaction in sent {
        devnet.wallet.wait(transaction).await.unwrap();
    }
    let head = devnet.head().await;
    let all = until_read(&mut devnet.watch(Finality::Depth(0)), head).await;
    assert_eq!(statements(&all), ["alone", "together 1", "together 2", "together 3"]);

    let mut config = devnet.config(Finality::Depth(0));
    for max_range in [1, 2, 200] {
        config.max_range = max_range;
        for (position, event) in all.iter().enumerate() {
            let Some(stored) = cursor(event) else { continue };
            if stored.block.is_some_and(|block| block.number == head) {
                continue;
            }
            let mut watcher = Watcher::new(config.clone(), stored).unwrap();
            let rest = until_read(&mut watcher, head).await;
            assert_eq!(statements(&rest), statements(&all[position + 1..]));
        }
        let mut watcher = Watcher::new(config.clone(), Cursor::START).unwrap();
        assert_eq!(statements(&until_read(&mut watcher, head).await), statements(&all));
    }
}

#[tokio::test]
async fn watcher_in_a_task_of_its_own_sends_every_event_and_ends_with_its_receiver() {
    let devnet = Devnet::start().await;
    for statement in ["first", "second", "third"] {
        devnet.request(statement).await;
    }
    let head = devnet.head().await;
    let mut receiver = devnet.watch(Finality::Depth(0)).into_channel(1);
    let mut events = Vec::new();
    while let Some(event) = receiver.recv().await {
        let done = matches!(event, ChainEvent::Finalized { block, .. } if block.number == head);
        events.push(event);
        if done {
            receiver.close();
        }
    }
    assert_eq!(statements(&events), ["first", "second", "third"]);
}
