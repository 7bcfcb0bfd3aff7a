//! The submitter against a real chain and the real hub. Blocks are made on demand, so nothing is waited for.

mod chain;
mod fees;
mod nonces;
mod support;

use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolCall;
use assay_aggregator::machine::{Decision, Purpose, Waiting};
use assay_aggregator::{Certificate, SubmitterEvent, Tick, TickError};
use bindings::anvil::Mining;
use bindings::rpc::Transaction;
use support::{CHAIN_ID, World, account, sent, settled};

#[tokio::test]
async fn submitter_settles_all_heights_since_the_hubs_accumulator_in_one_transaction() {
    let mut world = World::start().await;
    let mut submitter = world.submitter(50).await;
    assert_eq!(submitter.tick().await.unwrap().decision, Decision::Wait(Waiting::Certificate));
    world.conclude(5, 2).await;
    world.conclude(9, 1).await;
    let (_, hash, _) = sent(&submitter.tick().await.unwrap());
    world.wallet.wait(hash).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(9));
    assert_eq!(world.hub_height().await, 9);

    world.conclude(12, 1).await;
    let (_, hash, _) = sent(&submitter.tick().await.unwrap());
    world.wallet.wait(hash).await.unwrap();
    let tick = submitter.tick().await.unwrap();
    assert_eq!(settled(&tick), Some(12));
    assert_eq!(tick.decision, Decision::Wait(Waiting::Certificate));
    assert_eq!(world.mined(50).await, 2);
}

#[tokio::test]
async fn submitter_whose_height_another_settled_sends_nothing() {
    let mut world = World::start().await;
    let (mut first, mut second) = (world.submitter(50).await, world.submitter(51).await);
    world.conclude(5, 1).await;
    let (_, hash, _) = sent(&first.tick().await.unwrap());
    world.wallet.wait(hash).await.unwrap();
    assert_eq!(second.tick().await.unwrap().decision, Decision::Wait(Waiting::Certificate));
    assert_eq!((world.mined(51).await, world.waiting(51).await), (0, 0));
}

#[tokio::test]
async fn submitter_stuck_below_the_base_fee_raises_its_fees_until_it_is_mined() {
    let mut world = World::start().await;
    let mut submitter = world.submitter(50).await;
    world.conclude(5, 1).await;
    world.anvil.set_mining(Mining::Manual).await.unwrap();
    let (nonce, _, fee) = sent(&submitter.tick().await.unwrap());
    assert_eq!(submitter.tick().await.unwrap().decision, Decision::Wait(Waiting::Pending));

    world.anvil.set_next_base_fee(40 * fee).await.unwrap();
    world.anvil.mine(3).await.unwrap();
    assert_eq!(world.hub_height().await, 0);
    let (same_nonce, _, raised) = sent(&submitter.tick().await.unwrap());
    assert_eq!(same_nonce, nonce);
    assert!(raised >= fee + fee / 8, "{raised} after {fee}");
    assert_eq!(world.waiting(50).await, 1);
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!(world.mined(50).await, 1);
}

#[tokio::test]
async fn submitter_left_out_of_blocks_replaces_a_transaction_that_could_be_mined() {
    let mut world = World::start().await;
    let mut submitter = world.submitter(50).await;
    world.conclude(5, 1).await;
    world.anvil.set_mining(Mining::Manual).await.unwrap();
    let (nonce, _, fee) = sent(&submitter.tick().await.unwrap());
    world.anvil.set_block_gas_limit(30_000).await.unwrap();
    world.anvil.mine(3).await.unwrap();
    assert_eq!((world.hub_height().await, world.waiting(50).await), (0, 1));
    world.anvil.set_block_gas_limit(30_000_000).await.unwrap();
    let (same_nonce, _, raised) = sent(&submitter.tick().await.unwrap());
    assert_eq!(same_nonce, nonce);
    assert!(raised >= fee + fee / 8, "{raised} after {fee}");
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
}

#[tokio::test]
async fn submitter_with_a_dead_endpoint_uses_the_next() {
    let mut world = World::start().await;
    world.conclude(5, 1).await;
    let mut config = world.config();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    config.rpc_urls.insert(0, dead);
    let wei = U256::from(10u128.pow(20));
    world.anvil.set_balance(account(50).address(), wei).await.unwrap();
    let mut submitter =
        assay_aggregator::Submitter::new(config, account(50), world.shelf.clone()).unwrap();
    assert!(matches!(submitter.tick().await, Err(TickError::Rpc { .. })));
    sent(&submitter.tick().await.unwrap());
}

#[tokio::test]
async fn submitter_running_settles_until_it_is_stopped() {
    let mut world = World::start().await;
    world.conclude(5, 1).await;
    let submitter = world.submitter(50).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let running = tokio::spawn(submitter.run(
        async move {
            let _ = stopped.await;
        },
        move |event| sender.send(event).unwrap(),
    ));
    loop {
        match events.recv().await {
            Some(Ok(SubmitterEvent::Settled { height: 5, .. })) => break,
            Some(_) => {}
            None => panic!("ended without settling"),
        }
    }
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn submitter_whose_nonce_another_process_used_submits_with_the_next() {
    let mut world = World::start().await;
    let mut submitter = world.submitter(50).await;
    world.conclude(5, 1).await;
    world.anvil.set_mining(Mining::Manual).await.unwrap();
    let (nonce, _, fee) = sent(&submitter.tick().await.unwrap());
    let other = Transaction {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        fee_max: 10 * fee,
        tip_max: 10 * fee,
        to: Some(account(99).address()),
        value: U256::from(1),
        input: Bytes::new(),
    };
    let other = other.sign(&account(50)).unwrap();
    world.anvil.rpc().send_raw(&other.raw).await.unwrap();
    world.anvil.mine(1).await.unwrap();
    assert_eq!(world.hub_height().await, 0);

    assert_eq!(submitter.tick().await.unwrap().decision, Decision::Wait(Waiting::Pending));
    let tick = submitter.tick().await.unwrap();
    assert!(tick.events.contains(&SubmitterEvent::NonceTaken { nonce }));
    assert_eq!(sent(&tick).0, nonce + 1);
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
}

#[tokio::test]
async fn submitter_settled_by_another_while_it_waits_cancels_and_never_pays_for_a_submission() {
    let mut world = World::start().await;
    let mut submitter = world.submitter(50).await;
    world.conclude(5, 1).await;
    world.anvil.set_mining(Mining::Manual).await.unwrap();
    let (nonce, _, fee) = sent(&submitter.tick().await.unwrap());

    // The other's transaction pays more, and fills the next block.
    let certificate: Certificate = world.shelf.after(B256::ZERO).unwrap();
    let input: Bytes = certificate.submit_call().abi_encode().into();
    let (from, hub) = (account(51).address(), world.deployment.hub);
    let gas = world.anvil.rpc().estimate_gas(from, Some(hub), &input, U256::ZERO).await.unwrap();
    let gas_limit = gas + gas / 5;
    let other = Transaction {
        chain_id: CHAIN_ID,
        nonce: 0,
        gas_limit,
        fee_max: 100 * fee,
        tip_max: 10 * fee,
        to: Some(hub),
        value: U256::ZERO,
        input,
    };
    let other = other.sign(&account(51)).unwrap();
    let wei = U256::from(10u128.pow(20));
    world.anvil.set_balance(from, wei).await.unwrap();
    world.anvil.rpc().send_raw(&other.raw).await.unwrap();
    world.anvil.set_block_gas_limit(gas_limit + 10_000).await.unwrap();
    world.anvil.mine(1).await.unwrap();
    assert_eq!((world.hub_height().await, world.waiting(50).await), (5, 1));

    let tick = submitter.tick().await.unwrap();
    assert!(tick.events.contains(&SubmitterEvent::SettledElsewhere { height: 5 }));
    let Decision::Send(order) = &tick.decision else { panic!("{tick:?}") };
    assert_eq!((&order.purpose, order.nonce), (&Purpose::Cancel, nonce));
    world.anvil.mine(1).await.unwrap();
    let tick = submitter.tick().await.unwrap();
    let gas = tick.events.iter().find_map(|event| match event {
        SubmitterEvent::Mined { gas_used, .. } => Some(*gas_used),
        _ => None,
    });
    assert_eq!(gas, Some(21_000));
    assert_eq!(tick.decision, Decision::Wait(Waiting::Certificate));
}

#[tokio::test]
async fn submitter_restarted_while_its_transaction_waits_sends_no_second_one() {
    let mut world = World::start().await;
    let mut before = world.submitter(50).await;
    world.conclude(5, 1).await;
    world.anvil.set_mining(Mining::Manual).await.unwrap();
    sent(&before.tick().await.unwrap());
    drop(before);

    let mut after = world.submitter(50).await;
    assert_eq!(after.tick().await.unwrap().decision, Decision::Wait(Waiting::Foreign));
    world.anvil.mine(1).await.unwrap();
    assert_eq!(after.tick().await.unwrap().decision, Decision::Wait(Waiting::Certificate));
    assert_eq!((world.mined(50).await, world.waiting(50).await), (1, 0));
    assert_eq!(world.hub_height().await, 5);
}

#[tokio::test]
async fn submitter_whose_transaction_the_pool_dropped_sends_it_again() {
    let mut world = World::start().await;
    let mut submitter = world.submitter(50).await;
    world.conclude(5, 1).await;
    world.anvil.set_mining(Mining::Manual).await.unwrap();
    let (_, hash, _) = sent(&submitter.tick().await.unwrap());
    world.anvil.drop_transaction(hash).await.unwrap();
    assert_eq!(world.waiting(50).await, 0);
    assert_eq!(submitter.tick().await.unwrap().decision, Decision::Rebroadcast { hash });
    world.anvil.mine(1).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
}

#[tokio::test]
async fn submitter_whose_block_was_reorganised_away_settles_again() {
    let mut world = World::start().await;
    world.conclude(5, 1).await;
    let mut config = world.config();
    config.policy.confirmations = 3;
    let wei = U256::from(10u128.pow(20));
    world.anvil.set_balance(account(50).address(), wei).await.unwrap();
    let mut submitter =
        assay_aggregator::Submitter::new(config, account(50), world.shelf.clone()).unwrap();
    world.anvil.set_mining(Mining::Manual).await.unwrap();
    let (_, hash, _) = sent(&submitter.tick().await.unwrap());
    world.anvil.mine(1).await.unwrap();
    let tick = submitter.tick().await.unwrap();
    assert!(tick.events.iter().any(|event| matches!(event, SubmitterEvent::Mined { .. })));
    assert_eq!(settled(&tick), None);

    world.anvil.reorg(1).await.unwrap();
    assert_eq!(world.hub_height().await, 0);
    let tick = submitter.tick().await.unwrap();
    assert_eq!(tick.events, [SubmitterEvent::Reorged { hash }]);
    world.anvil.mine(3).await.unwrap();
    assert_eq!(settled(&submitter.tick().await.unwrap()), Some(5));
    assert_eq!((world.hub_height().await, world.mined(50).await), (5, 1));
}

/// Checks that a certificate changed so is refused and nothing is sent.
async fn check_refused(change: impl FnOnce(&mut Certificate), reason: &str) {
    let mut world = World::start().await;
    let mut submitter = world.submitter(50).await;
    world.conclude(5, 1).await;
    world.corrupt(change);
    let tick = submitter.tick().await.unwrap();
    let [SubmitterEvent::Refused { reason: said, .. }] = tick.events.as_slice() else {
        panic!("{tick:?}")
    };
    assert!(said.contains(reason), "{said}");
    let again = submitter.tick().await.unwrap();
    assert_eq!(again, Tick { decision: Decision::Wait(Waiting::Certificate), events: vec![] });
    assert_eq!((world.mined(50).await, world.waiting(50).await), (0, 0));
}

#[tokio::test]
async fn submitter_given_a_signature_of_something_else_sends_nothing() {
    check_refused(|it| it.block_id = B256::ZERO, "does not verify").await;
}

#[tokio::test]
async fn submitter_given_other_outcomes_sends_nothing() {
    let change = |it: &mut Certificate| it.batches[0].root = B256::ZERO;
    check_refused(change, "lead to accumulator").await;
}

#[tokio::test]
async fn submitter_given_another_epochs_certificate_sends_nothing() {
    check_refused(|it| it.epoch += 1, "of epoch 2").await;
}

#[tokio::test]
async fn submitter_with_an_account_that_cannot_pay_warns_and_sends_nothing() {
    let mut world = World::start().await;
    let mut submitter = world.submitter(50).await;
    world.conclude(5, 1).await;
    world.anvil.set_balance(account(50).address(), U256::from(1)).await.unwrap();
    let tick = submitter.tick().await.unwrap();
    assert!(tick.events.contains(&SubmitterEvent::BalanceLow { balance: 1 }));
    assert_eq!((world.mined(50).await, world.waiting(50).await), (0, 0));
}

#[tokio::test]
async fn submitter_with_an_endpoint_of_another_chain_refuses_it() {
    let world = World::start().await;
    let mut config = world.config();
    config.chain_id = 1;
    let mut submitter =
        assay_aggregator::Submitter::new(config, account(50), world.shelf.clone()).unwrap();
    let error = submitter.tick().await.unwrap_err();
    assert!(matches!(error, TickError::WrongChain { expected: 1, found: CHAIN_ID, .. }));
    assert_eq!(submitter.tick().await, Err(TickError::NoEndpoint(1)));
}
