//! Full pools and blocks, and a base fee that rises.

use crate::support::{World, account, foreign, sent, settled};
use assay_aggregator::machine::{Decision, Waiting};
use assay_aggregator::{Submitter, SubmitterEvent};
use bindings::anvil::Mining;
use bindings::faulty::{Fault, FaultyEndpoint};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A world with a certificate to settle, whose blocks are made on demand.
async fn world_by_hand() -> World {
    let mut world = World::start().await;
    world.fund(50).await;
    world.conclude(5, 1).await;
    world.anvil.set_mining(Mining::Manual).await.unwrap();
    world
}

fn too_high(events: &[SubmitterEvent]) -> usize {
    events.iter().filter(|it| matches!(it, SubmitterEvent::FeesTooHigh { .. })).count()
}

#[tokio::test]
async fn submitter_base_fee_that_triples_is_outbid_once() {
    let world = world_by_hand().await;
    let mut submitter = world.submitter_at(vec![world.anvil.url().to_owned()], 50);
    let (nonce, _, fee) = sent(&submitter.tick().await.unwrap());
    let tripled = 3 * world.base_fee().await;
    assert!(fee < tripled, "a first offer of {fee} covers {tripled}");
    world.anvil.set_next_base_fee(tripled).await.unwrap();
    world.anvil.mine(3).await.unwrap();
    assert_eq!(world.hub_height().await, 0);
    let (same_nonce, hash, raised) = sent(&submitter.tick().await.unwrap());
    assert_eq!(same_nonce, nonce);
    assert!(raised >= fee + fee / 10, "{raised} after {fee}");
    assert_eq!(world.pooled_hash(50).await, Some(hash));
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!(world.mined(50).await, 1);
}

#[tokio::test]
async fn submitter_base_fee_above_the_limit_warns_once_and_goes_through_when_it_falls() {
    let world = world_by_hand().await;
    let base = world.base_fee().await;
    let mut config = world.config();
    config.policy.fee_max_wei = 5 * base / 2;
    let mut submitter = Submitter::new(config, account(50), world.shelf.clone()).unwrap();
    let (_, _, fee) = sent(&submitter.tick().await.unwrap());
    let mut warnings = 0;
    for _ in 0..4 {
        world.anvil.set_next_base_fee(3 * base).await.unwrap();
        world.anvil.mine(1).await.unwrap();
        let tick = submitter.tick().await.unwrap();
        warnings += too_high(&tick.events);
        assert!(!matches!(tick.decision, Decision::Send(_)), "{tick:?}");
    }
    assert_eq!(warnings, 1);
    // Empty blocks lower the base fee by an eighth each.
    let mut blocks = 0;
    while world.hub_height().await == 0 {
        world.anvil.mine(1).await.unwrap();
        submitter.tick().await.unwrap();
        blocks += 1;
        assert!(blocks < 30, "{} wei, {fee} offered", world.base_fee().await);
    }
    assert_eq!(world.mined(50).await, 1);
}

#[tokio::test]
async fn submitter_dropped_by_the_pool_at_the_fee_limit_is_sent_again_when_fees_fall() {
    let world = world_by_hand().await;
    let base = world.base_fee().await;
    let mut config = world.config();
    config.policy.fee_max_wei = 3 * base / 2;
    let mut submitter = Submitter::new(config, account(50), world.shelf.clone()).unwrap();
    let (_, hash, fee) = sent(&submitter.tick().await.unwrap());
    assert_eq!(fee, 3 * base / 2);
    world.anvil.set_next_base_fee(3 * base).await.unwrap();
    world.anvil.mine(3).await.unwrap();
    world.anvil.drop_transaction(hash).await.unwrap();
    // It can't be raised any more, and waits in no pool.
    assert_eq!(submitter.tick().await.unwrap().decision, Decision::Wait(Waiting::Fees));
    world.anvil.set_next_base_fee(base).await.unwrap();
    world.anvil.mine(1).await.unwrap();
    sent(&submitter.tick().await.unwrap());
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
}

#[tokio::test]
async fn submitter_told_that_the_pool_is_full_keeps_its_transaction_raises_it_and_goes_on() {
    let world = world_by_hand().await;
    let full = Arc::new(AtomicBool::new(true));
    let on = full.clone();
    let endpoint = FaultyEndpoint::refusing(world.anvil.url(), move |method, _| {
        let refused = method == "eth_sendRawTransaction" && on.load(Ordering::SeqCst);
        refused.then(|| Fault::error("txpool is full"))
    })
    .await
    .unwrap();
    let mut submitter = world.submitter_at(vec![endpoint.url().to_owned()], 50);
    let tick = submitter.tick().await.unwrap();
    let (nonce, hash, fee) = sent(&tick);
    assert!(matches!(tick.events.last(), Some(SubmitterEvent::PoolFull { .. })), "{tick:?}");
    for _ in 0..3 {
        let tick = submitter.tick().await.unwrap();
        assert_eq!((tick.decision, tick.events), (Decision::Rebroadcast { hash }, vec![]));
    }
    world.anvil.mine(3).await.unwrap();
    let (same_nonce, _, raised) = sent(&submitter.tick().await.unwrap());
    assert_eq!(same_nonce, nonce);
    assert!(raised >= fee + fee / 10, "{raised} after {fee}");
    assert_eq!(world.waiting(50).await, 0);

    full.store(false, Ordering::SeqCst);
    assert!(matches!(submitter.tick().await.unwrap().decision, Decision::Rebroadcast { .. }));
    assert_eq!(world.waiting(50).await, 1);
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!(world.mined(50).await, 1);
}

#[tokio::test]
async fn submitter_crowded_out_by_higher_tips_raises_its_own_until_it_is_mined() {
    let world = world_by_hand().await;
    let mut submitter = world.submitter_at(vec![world.anvil.url().to_owned()], 50);
    let (nonce, _, fee) = sent(&submitter.tick().await.unwrap());
    // Blocks with room for one transaction of this size, and others that tip more.
    let gas = world.pooled_gas(50).await;
    world.anvil.set_block_gas_limit(gas + 10_000).await.unwrap();
    let base = world.base_fee().await;
    for number in 60..72 {
        world.fund(number).await;
        let mut crowd = foreign(0, 50 * base, 3 * fee);
        crowd.gas_limit = gas;
        world.send(&crowd, number).await;
    }
    let (mut blocks, mut offers) = (0, vec![fee]);
    while world.hub_height().await == 0 {
        world.anvil.mine(1).await.unwrap();
        blocks += 1;
        let tick = submitter.tick().await.unwrap();
        if let Decision::Send(order) = &tick.decision {
            assert_eq!(order.nonce, nonce);
            offers.push(order.fees.max);
        }
        assert!(blocks < 40, "{offers:?}");
    }
    assert!(blocks > 3 && offers.len() > 1, "{blocks} blocks, {offers:?}");
    assert!(offers.windows(2).all(|it| it[1] >= it[0] + it[0] / 10), "{offers:?}");
    assert_eq!(world.mined(50).await, 1);
}

#[tokio::test]
async fn submitter_whose_estimates_fail_sends_nothing_and_raises_nothing() {
    let world = world_by_hand().await;
    let busy = Arc::new(AtomicBool::new(false));
    let on = busy.clone();
    let endpoint = FaultyEndpoint::refusing(world.anvil.url(), move |method, _| {
        let refused = method == "eth_estimateGas" && on.load(Ordering::SeqCst);
        refused.then(|| Fault::error("request limit reached"))
    })
    .await
    .unwrap();
    let mut submitter = world.submitter_at(vec![endpoint.url().to_owned()], 50);
    let (_, _, fee) = sent(&submitter.tick().await.unwrap());
    world.mine_without_room(3).await;
    busy.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        let error = submitter.tick().await.unwrap_err();
        assert!(error.to_string().contains("request limit reached"), "{error}");
    }
    busy.store(false, Ordering::SeqCst);
    let (_, _, raised) = sent(&submitter.tick().await.unwrap());
    assert!(raised < fee + fee / 5, "{raised} after {fee}: raised more than once");
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
}
