//! An account that another process uses too.

use crate::support::{World, account, foreign, sent, settled};
use alloy_primitives::{Bytes, U256};
use assay_aggregator::machine::{Decision, Waiting};
use assay_aggregator::{Submitter, SubmitterEvent};
use bindings::anvil::Mining;
use bindings::faulty::FaultyEndpoint;
use bindings::rpc::{BlockId, Wallet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const TIP: u128 = 1_000_000_000;

/// A world with a certificate to settle, whose blocks are made on demand.
async fn world_by_hand() -> World {
    let mut world = World::start().await;
    world.fund(50).await;
    world.conclude(5, 1).await;
    world.anvil.set_mining(Mining::Manual).await.unwrap();
    world
}

#[tokio::test]
async fn submitter_told_nonce_too_low_looks_again_and_takes_the_next() {
    let world = world_by_hand().await;
    world.send(&foreign(0, 10 * TIP, TIP), 50).await;
    world.anvil.mine(1).await.unwrap();
    // The endpoint doesn't know yet of the nonce that the other process has used.
    let late = Arc::new(AtomicBool::new(true));
    let on = late.clone();
    let endpoint = FaultyEndpoint::changing(world.anvil.url(), move |method, _, result| {
        if method == "eth_getTransactionCount" && on.load(Ordering::SeqCst) {
            *result = "0x0".into();
        }
    })
    .await
    .unwrap();
    let mut submitter = world.submitter_at(vec![endpoint.url().to_owned()], 50);
    let tick = submitter.tick().await.unwrap();
    assert_eq!(tick.events.last(), Some(&SubmitterEvent::NonceTaken { nonce: 0 }));
    late.store(false, Ordering::SeqCst);
    assert_eq!(sent(&submitter.tick().await.unwrap()).0, 1);
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!(world.mined(50).await, 2);
}

#[tokio::test]
async fn submitter_with_a_foreign_transaction_waiting_lets_it_pass_and_then_submits() {
    let world = world_by_hand().await;
    world.send(&foreign(0, 10 * TIP, TIP), 50).await;
    let mut submitter = world.submitter_at(vec![world.anvil.url().to_owned()], 50);
    assert_eq!(submitter.tick().await.unwrap().decision, Decision::Wait(Waiting::Foreign));
    world.anvil.mine(1).await.unwrap();
    assert_eq!(sent(&submitter.tick().await.unwrap()).0, 1);
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
}

#[tokio::test]
async fn submitter_with_a_foreign_transaction_stuck_at_its_nonce_outbids_it() {
    let world = world_by_hand().await;
    // It pays more than a first offer, and less than the next block asks.
    let first_offer = world.base_fee().await * 2;
    world.send(&foreign(0, 2 * first_offer, 2 * first_offer), 50).await;
    let mut submitter = world.submitter_at(vec![world.anvil.url().to_owned()], 50);
    assert_eq!(submitter.tick().await.unwrap().decision, Decision::Wait(Waiting::Foreign));
    world.mine_without_room(3).await;
    let tick = submitter.tick().await.unwrap();
    assert!(tick.events.contains(&SubmitterEvent::TakingOver { nonce: 0 }), "{tick:?}");
    let mut fees = vec![sent(&tick).2];
    // "replacement transaction underpriced", until it is not.
    loop {
        let tick = submitter.tick().await.unwrap();
        if tick.decision == Decision::Wait(Waiting::Pending) {
            break;
        }
        fees.push(sent(&tick).2);
        assert!(fees.len() < 30, "{fees:?}");
    }
    assert!(fees.windows(2).all(|pair| pair[1] >= pair[0] + pair[0] / 8), "{fees:?}");
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!((world.mined(50).await, world.waiting(50).await), (1, 0));
}

#[tokio::test]
async fn submitter_that_may_not_outbid_a_foreign_transaction_waits_for_it() {
    let world = world_by_hand().await;
    let mut config = world.config();
    config.policy.fee_max_wei = world.base_fee().await * 2;
    let dear = config.policy.fee_max_wei * 10;
    world.send(&foreign(0, dear, dear), 50).await;
    let endpoint = FaultyEndpoint::refusing(world.anvil.url(), |_, _| None).await.unwrap();
    config.rpc_urls = vec![endpoint.url().to_owned()];
    let mut submitter = Submitter::new(config, account(50), world.shelf.clone()).unwrap();
    submitter.tick().await.unwrap();
    world.mine_without_room(3).await;
    let mut waited = Vec::new();
    for _ in 0..12 {
        waited.push(submitter.tick().await.unwrap().decision);
    }
    // "replacement transaction underpriced" as often as the limit allows to raise, and no more.
    assert!(waited[6..].iter().all(|it| *it == Decision::Wait(Waiting::Fees)), "{waited:?}");
    assert!((1..=6).contains(&endpoint.calls("eth_sendRawTransaction")));
    world.anvil.mine(1).await.unwrap();
    submitter.tick().await.unwrap();
    assert_eq!(sent(&submitter.tick().await.unwrap()).0, 1);
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
}

#[tokio::test]
async fn submitter_below_a_nonce_gap_fills_it() {
    let world = world_by_hand().await;
    world.send(&foreign(1, 10 * TIP, TIP), 50).await;
    let mut submitter = world.submitter_at(vec![world.anvil.url().to_owned()], 50);
    assert_eq!(sent(&submitter.tick().await.unwrap()).0, 0);
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!(world.mined(50).await, 2);
}

#[tokio::test]
async fn submitter_told_already_known_keeps_its_transaction() {
    let world = world_by_hand().await;
    // Reads lag behind writes: the endpoint does not find what it has taken.
    let endpoint = FaultyEndpoint::changing(world.anvil.url(), |method, _, result| {
        if method == "eth_getTransactionByHash" {
            *result = serde_json::Value::Null;
        }
    })
    .await
    .unwrap();
    let mut submitter = world.submitter_at(vec![endpoint.url().to_owned()], 50);
    let (_, hash, _) = sent(&submitter.tick().await.unwrap());
    for _ in 0..3 {
        let tick = submitter.tick().await.unwrap();
        assert_eq!((tick.decision, tick.events), (Decision::Rebroadcast { hash }, vec![]));
    }
    assert_eq!(world.waiting(50).await, 1);
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!(world.mined(50).await, 1);
}

#[tokio::test]
async fn submitter_whose_answer_was_lost_sends_no_second_transaction() {
    let world = world_by_hand().await;
    let refuse = |method: &str, _: &serde_json::Value| {
        (method == "eth_sendRawTransaction").then_some(bindings::faulty::Fault::Lost)
    };
    let endpoint = FaultyEndpoint::refusing(world.anvil.url(), refuse).await.unwrap();
    let mut submitter = world.submitter_at(vec![endpoint.url().to_owned()], 50);
    sent(&submitter.tick().await.unwrap());
    assert_eq!(submitter.tick().await.unwrap().decision, Decision::Wait(Waiting::Pending));
    assert_eq!(endpoint.calls("eth_sendRawTransaction"), 1);
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!(world.mined(50).await, 1);
}

#[tokio::test]
async fn submitter_restarted_while_its_transaction_is_stuck_replaces_it() {
    let world = world_by_hand().await;
    let urls = vec![world.anvil.url().to_owned()];
    let mut before = world.submitter_at(urls.clone(), 50);
    let (nonce, _, fee) = sent(&before.tick().await.unwrap());
    drop(before);
    world.anvil.set_next_base_fee(3 * fee).await.unwrap();
    let mut after = world.submitter_at(urls, 50);
    assert_eq!(after.tick().await.unwrap().decision, Decision::Wait(Waiting::Foreign));
    world.anvil.mine(3).await.unwrap();
    let (same_nonce, _, raised) = sent(&after.tick().await.unwrap());
    assert_eq!(same_nonce, nonce);
    assert!(raised >= fee + fee / 8);
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&after.tick().await.unwrap()), Some(5));
    assert_eq!((world.mined(50).await, world.waiting(50).await), (1, 0));
}

#[tokio::test]
async fn submitter_restarted_after_its_transaction_was_mined_sends_nothing() {
    let world = world_by_hand().await;
    let urls = vec![world.anvil.url().to_owned()];
    sent(&world.submitter_at(urls.clone(), 50).tick().await.unwrap());
    world.anvil.mine(1).await.unwrap();
    let tick = world.submitter_at(urls, 50).tick().await.unwrap();
    assert_eq!(tick.decision, Decision::Wait(Waiting::Certificate));
    assert_eq!((world.mined(50).await, world.waiting(50).await), (1, 0));
}

#[tokio::test]
async fn wallet_that_replaces_pays_more_at_the_same_nonce_and_one_is_mined() {
    let world = world_by_hand().await;
    let wallet = world.wallet.clone();
    let (to, account) = (account(60).address(), wallet.address());
    let start = wallet.rpc().transaction_count(account, BlockId::Latest).await.unwrap();
    let send = async |wallet: &Wallet| wallet.send(Some(to), U256::from(1), Bytes::new()).await;
    let first = send(&wallet).await.unwrap();
    for n in 1..=3 {
        let again = send(&wallet.clone().replacing(n)).await.unwrap();
        assert_ne!(again, first);
        let pending = wallet.rpc().transaction_count(account, BlockId::Pending).await.unwrap();
        assert_eq!(pending, start + 1, "replacement {n} took another nonce");
    }
    assert!(send(&wallet.clone().replacing(1)).await.is_err(), "one that pays less was taken");
    world.anvil.mine(1).await.unwrap();
    assert_eq!(wallet.rpc().transaction_count(account, BlockId::Latest).await.unwrap(), start + 1);
    assert_eq!(wallet.rpc().receipt(first).await.unwrap(), None);
}
