//! Endpoints that lie, lag and drop, and a chain that goes back, while something is settled.

use crate::support::{CHAIN_ID, World, account, sent, settled};
use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolCall;
use assay_aggregator::machine::{Decision, Waiting};
use assay_aggregator::{Execution, Submitter, SubmitterEvent, TickError};
use bindings::anvil::Mining;
use bindings::faulty::{Fault, FaultyEndpoint};
use bindings::rpc::{BlockId, RpcError, Transaction};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// A world with a certificate to settle, whose blocks are made on demand.
async fn world_by_hand() -> World {
    let mut world = World::start().await;
    world.fund(50).await;
    world.conclude(5, 1).await;
    world.anvil.set_mining(Mining::Manual).await.unwrap();
    world
}

fn mined(events: &[SubmitterEvent]) -> Option<Execution> {
    events.iter().find_map(|event| match event {
        SubmitterEvent::Mined { end, .. } => Some(*end),
        _ => None,
    })
}

#[tokio::test]
async fn submitter_whose_receipt_vanishes_follows_its_transaction_again() {
    let world = world_by_hand().await;
    let lying = Arc::new(AtomicBool::new(false));
    let on = lying.clone();
    let change = move |method: &str, parameters: &Value, result: &mut Value| {
        if method == "eth_getTransactionReceipt" && on.load(Ordering::SeqCst) {
            *result = json!({
                "transactionHash": parameters[0], "blockNumber": "0x1", "blockHash": B256::ZERO,
                "gasUsed": "0x1", "effectiveGasPrice": "0x1", "status": "0x1",
                "contractAddress": null,
            });
        }
    };
    let liar = FaultyEndpoint::changing(world.anvil.url(), change).await.unwrap();
    let mut config = world.config();
    config.rpc_urls = vec![liar.url().to_owned()];
    config.policy.confirmations = 1_000;
    let mut submitter = Submitter::new(config, account(50), world.shelf.clone()).unwrap();
    let (_, hash, _) = sent(&submitter.tick().await.unwrap());
    lying.store(true, Ordering::SeqCst);
    let tick = submitter.tick().await.unwrap();
    assert_eq!(mined(&tick.events), Some(Execution::Succeeded));
    lying.store(false, Ordering::SeqCst);
    let tick = submitter.tick().await.unwrap();
    assert_eq!(tick.events, [SubmitterEvent::Reorged { hash }]);
    assert_eq!(tick.decision, Decision::Wait(Waiting::Pending));
    world.anvil.mine(1).await.unwrap();
    let tick = submitter.tick().await.unwrap();
    assert_eq!(mined(&tick.events), Some(Execution::Succeeded));
    assert_eq!(liar.calls("eth_sendRawTransaction"), 1);
    assert_eq!((world.hub_height().await, world.mined(50).await), (5, 1));
}

#[tokio::test]
async fn submitter_reorged_out_after_it_counted_as_settled_settles_again() {
    let world = world_by_hand().await;
    let mut submitter = world.submitter_at(vec![world.anvil.url().to_owned()], 50);
    sent(&submitter.tick().await.unwrap());
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    world.anvil.reorg(1).await.unwrap();
    assert_eq!(world.hub_height().await, 0);
    sent(&submitter.tick().await.unwrap());
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!((world.hub_height().await, world.mined(50).await), (5, 1));
}

#[tokio::test]
async fn submitter_reorged_out_and_settled_by_another_sends_nothing_more() {
    let world = world_by_hand().await;
    // Before the blocks that are replaced.
    let other = submission(&world, 51).await;
    world.anvil.mine(1).await.unwrap();
    let mut config = world.config();
    config.policy.confirmations = 3;
    let mut submitter = Submitter::new(config, account(50), world.shelf.clone()).unwrap();
    let (_, hash, _) = sent(&submitter.tick().await.unwrap());
    world.anvil.mine(1).await.unwrap();
    assert!(mined(&submitter.tick().await.unwrap().events).is_some());

    // In the new block another operator's submission stands instead.
    world.anvil.reorg_with(1, &[(other.sign(&account(51)).unwrap().raw, 0)]).await.unwrap();
    assert_eq!((world.hub_height().await, world.mined(50).await), (5, 0));
    let tick = submitter.tick().await.unwrap();
    assert!(tick.events.contains(&SubmitterEvent::Reorged { hash }));
    assert!(tick.events.contains(&SubmitterEvent::SettledElsewhere { height: 5 }), "{tick:?}");
    assert_eq!(tick.decision, Decision::Wait(Waiting::Certificate));
    assert_eq!((world.mined(50).await, world.waiting(50).await), (0, 0));
}

/// The certificate on the shelf as a transaction of another account, which pays well.
async fn submission(world: &World, number: u8) -> Transaction {
    let certificate = world.shelf.after(B256::ZERO).unwrap();
    let input: Bytes = certificate.submit_call().abi_encode().into();
    let hub = world.deployment.hub;
    world.fund(number).await;
    let fee = 10 * world.base_fee().await;
    Transaction {
        chain_id: CHAIN_ID,
        nonce: 0,
        gas_limit: 2_000_000,
        fee_max: fee,
        tip_max: fee,
        to: Some(hub),
        value: U256::ZERO,
        input,
    }
}

#[tokio::test]
async fn submitter_that_reverts_behind_another_in_its_block_pays_once_and_goes_on() {
    let mut world = world_by_hand().await;
    let mut submitter = world.submitter_at(vec![world.anvil.url().to_owned()], 50);
    sent(&submitter.tick().await.unwrap());
    let other = submission(&world, 51).await;
    world.send(&other, 51).await;
    world.anvil.mine(1).await.unwrap();
    assert_eq!((world.hub_height().await, world.mined(50).await, world.mined(51).await), (5, 1, 1));
    let tick = submitter.tick().await.unwrap();
    assert_eq!(mined(&tick.events), Some(Execution::Reverted));
    assert_eq!(tick.decision, Decision::Wait(Waiting::Certificate));

    world.anvil.set_mining(Mining::EachTransaction).await.unwrap();
    world.conclude(9, 1).await;
    let (nonce, hash, _) = sent(&submitter.tick().await.unwrap());
    assert_eq!(nonce, 1);
    world.wallet.wait(hash).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(9));
}

#[tokio::test]
async fn submitter_overtaken_between_look_and_estimate_sends_nothing_and_is_refused_nothing() {
    let mut world = world_by_hand().await;
    // This funds the other account, and so makes a block.
    let other = submission(&world, 51).await;
    let before = world.anvil.rpc().header(BlockId::Latest).await.unwrap().unwrap().number;
    world.send(&other, 51).await;
    world.anvil.mine(1).await.unwrap();
    assert_eq!(world.hub_height().await, 5);
    let looks = AtomicUsize::new(0);
    // The first look is at the block before the other's submission, the estimate is not.
    let change = move |method: &str, parameters: &Value, result: &mut Value| {
        let asked = method == "eth_getBlockByNumber" && parameters[0] == "latest";
        if asked && looks.fetch_add(1, Ordering::SeqCst) == 0 {
            result["number"] = format!("{before:#x}").into();
        }
    };
    let endpoint = FaultyEndpoint::changing(world.anvil.url(), change).await.unwrap();
    let mut submitter = world.submitter_at(vec![endpoint.url().to_owned()], 50);
    let tick = submitter.tick().await.unwrap();
    assert!(matches!(tick.decision, Decision::Send(_)), "{:?}", tick.decision);
    assert_eq!(tick.events, []);
    let tick = submitter.tick().await.unwrap();
    assert_eq!(tick.decision, Decision::Wait(Waiting::Certificate));
    assert_eq!((tick.events.as_slice(), endpoint.calls("eth_sendRawTransaction")), (&[][..], 0));

    // Nothing is held back: the next height goes out at the first look.
    world.anvil.set_mining(Mining::EachTransaction).await.unwrap();
    world.conclude(9, 1).await;
    sent(&submitter.tick().await.unwrap());
}

#[tokio::test]
async fn submitter_does_not_act_on_an_endpoint_that_is_behind_what_it_saw() {
    let world = world_by_hand().await;
    let behind = Arc::new(AtomicBool::new(false));
    let on = behind.clone();
    let change = move |method: &str, parameters: &Value, result: &mut Value| {
        let asked = method == "eth_getBlockByNumber" && parameters[0] == "latest";
        if asked && on.load(Ordering::SeqCst) {
            result["number"] = "0x2".into();
        }
    };
    let lagging = FaultyEndpoint::changing(world.anvil.url(), change).await.unwrap();
    let honest = FaultyEndpoint::refusing(world.anvil.url(), |_, _| None).await.unwrap();
    let urls = vec![lagging.url().to_owned(), honest.url().to_owned()];
    let mut submitter = world.submitter_at(urls, 50);
    sent(&submitter.tick().await.unwrap());
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    behind.store(true, Ordering::SeqCst);
    let error = submitter.tick().await.unwrap_err();
    assert!(matches!(error, TickError::Behind { head: 2, .. }), "{error}");
    let tick = submitter.tick().await.unwrap();
    assert_eq!(tick.decision, Decision::Wait(Waiting::Certificate));
    let sends = |it: &FaultyEndpoint| it.calls("eth_sendRawTransaction");
    assert_eq!((sends(&lagging), sends(&honest)), (1, 0));
}

#[tokio::test]
async fn submitter_shown_a_head_far_ahead_once_goes_on_with_the_true_one() {
    let world = world_by_hand().await;
    let left = AtomicUsize::new(1);
    let change = move |method: &str, parameters: &Value, result: &mut Value| {
        let asked = method == "eth_getBlockByNumber" && parameters[0] == "latest";
        if asked && left.swap(0, Ordering::SeqCst) == 1 {
            result["number"] = "0xffffff".into();
        }
    };
    let liar = FaultyEndpoint::changing(world.anvil.url(), change).await.unwrap();
    let mut submitter = world.submitter_at(vec![liar.url().to_owned()], 50);
    // It has no such block to read the hub at.
    assert!(matches!(submitter.tick().await, Err(TickError::Rpc { .. })));
    assert!(matches!(submitter.tick().await, Err(TickError::Behind { seen: 0xff_ffff, .. })));
    sent(&submitter.tick().await.unwrap());
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
}

#[tokio::test]
async fn submitter_whose_endpoint_stands_still_uses_the_next() {
    let world = world_by_hand().await;
    let first = std::sync::Mutex::new(None);
    let change = move |method: &str, parameters: &Value, result: &mut Value| {
        if method == "eth_getBlockByNumber" && parameters[0] == "latest" {
            *result = first.lock().unwrap().get_or_insert_with(|| result.clone()).clone();
        }
        if method == "eth_getTransactionReceipt" {
            *result = Value::Null;
        }
        if method == "eth_getTransactionCount" {
            *result = "0x0".into();
        }
    };
    let still = FaultyEndpoint::changing(world.anvil.url(), change).await.unwrap();
    let mut config = world.config();
    config.rpc_urls = vec![still.url().to_owned(), world.anvil.url().to_owned()];
    config.policy.stall_after_ms = 100;
    let mut submitter = Submitter::new(config, account(50), world.shelf.clone()).unwrap();
    sent(&submitter.tick().await.unwrap());
    world.anvil.mine(1).await.unwrap();
    let error = loop {
        match submitter.tick().await {
            Ok(tick) => assert_eq!(settled(&tick), None),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, TickError::Behind { .. }), "{error}");
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!(world.mined(50).await, 1);
}

#[tokio::test]
async fn submitter_losing_any_answer_settles_each_height_once() {
    let mut world = World::start().await;
    world.fund(50).await;
    let (mut height, mut settled_heights) = (0, 0);
    for fault in [Fault::Cut, Fault::Close, Fault::Status { status: 503, retry_after_s: None }] {
        for method in [
            "eth_chainId",
            "eth_getBlockByNumber",
            "eth_call",
            "eth_getTransactionCount",
            "eth_feeHistory",
            "eth_estimateGas",
            "eth_sendRawTransaction",
            "eth_getTransactionReceipt",
        ] {
            height += 1;
            world.conclude(height, 1).await;
            let (left, fault) = (AtomicUsize::new(1), fault.clone());
            let refuse = move |asked: &str, _: &Value| {
                (asked == method && left.swap(0, Ordering::SeqCst) == 1).then(|| fault.clone())
            };
            let endpoint = FaultyEndpoint::refusing(world.anvil.url(), refuse).await.unwrap();
            let mut submitter = world.submitter_at(vec![endpoint.url().to_owned()], 50);
            let mut ticks = 0;
            while world.hub_height().await < height {
                let _ = submitter.tick().await;
                ticks += 1;
                assert!(ticks < 20, "{method}");
            }
            settled_heights += 1;
            assert_eq!(world.mined(50).await, settled_heights, "{method}");
        }
    }
}

#[tokio::test]
async fn submitter_asked_to_wait_waits_that_long_and_at_most_a_minute() {
    let mut world = World::start().await;
    world.conclude(5, 1).await;
    for (asked_s, expected_s) in [(7, 7), (1_000_000, 60)] {
        let refuse = move |_: &str, _: &Value| {
            Some(Fault::Status { status: 429, retry_after_s: Some(asked_s) })
        };
        let endpoint = FaultyEndpoint::refusing(world.anvil.url(), refuse).await.unwrap();
        let mut submitter = world.submitter_at(vec![endpoint.url().to_owned()], 50);
        let error = submitter.tick().await.unwrap_err();
        let TickError::Rpc { error: RpcError::Busy { status: 429, .. }, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(submitter.pause(), Duration::from_secs(expected_s));
    }
}
