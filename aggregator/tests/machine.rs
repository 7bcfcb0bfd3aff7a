//! The submitter's decisions, one condition each.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use assay_aggregator::machine::{Decision, Machine, Order, Purpose, Sighting, Snapshot, Waiting};
use assay_aggregator::{
    Batch, Certificate, Execution, Fees, Market, Policy, SendFault, SubmitterEvent, Turn,
};

const START_ACC: B256 = B256::repeat_byte(0xaa);

fn policy() -> Policy {
    Policy {
        turn_delay_ms: 1_000,
        bump_after_blocks: 3,
        bump_permille: 125,
        tip_min_wei: 10,
        fee_max_wei: 10_000,
        confirmations: 2,
        balance_low_wei: 50,
        ..Policy::default()
    }
}

fn certificate(height: u64) -> Arc<Certificate> {
    let batch = Batch { height, root: B256::ZERO, packed: Bytes::new() };
    Arc::new(Certificate {
        height,
        epoch: 1,
        committee_id: 1,
        block_id: B256::ZERO,
        acc: B256::with_last_byte(height as u8),
        signature: Bytes::new(),
        batches: vec![batch],
    })
}

/// A hub at height 10 with a certificate for 11, and an account with nothing waiting.
fn snapshot() -> Snapshot {
    Snapshot {
        now_ms: 0,
        head: 100,
        market: Market { base_fee: 100, tip: 10 },
        hub_height: 10,
        hub_acc: START_ACC,
        certificate: Some(certificate(11)),
        balance: 1_000,
        nonce_mined: 7,
        nonce_pending: 7,
        seen: BTreeMap::new(),
    }
}

/// The hub after somebody settled height 11.
fn settled(snapshot: &mut Snapshot) {
    snapshot.hub_height = 11;
    snapshot.hub_acc = certificate(11).acc;
    snapshot.certificate = None;
}

fn hash(number: u8) -> B256 {
    B256::repeat_byte(number)
}

fn order(decision: Decision) -> Order {
    match decision {
        Decision::Send(order) => order,
        other => panic!("{other:?}"),
    }
}

/// A machine whose transaction `hash(1)` with nonce 7 waits in the pool.
fn in_flight() -> (Machine, Snapshot) {
    let mut machine = Machine::new(Turn::Alone, policy());
    let mut snapshot = snapshot();
    let first = order(machine.decide(&snapshot));
    machine.sending(&first, hash(1));
    machine.take_events();
    snapshot.nonce_pending = 8;
    snapshot.seen.insert(hash(1), Sighting::Pooled);
    (machine, snapshot)
}

fn mined(block: u64) -> Sighting {
    Sighting::Mined { block, gas_used: 5, end: Execution::Succeeded }
}

#[test]
fn machine_with_a_certificate_submits_it_with_the_mined_nonce() {
    let mut machine = Machine::new(Turn::Alone, policy());
    let order = order(machine.decide(&snapshot()));
    assert_eq!(order.purpose, Purpose::Submit(certificate(11)));
    assert_eq!((order.nonce, order.fees), (7, Fees { max: 210, tip: 10 }));
    assert_eq!(order.after, START_ACC);
}

#[test]
fn machine_without_a_certificate_sends_nothing() {
    let mut machine = Machine::new(Turn::Alone, policy());
    let mut snapshot = snapshot();
    snapshot.certificate = None;
    assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Certificate));
}

#[test]
fn machine_with_a_settled_height_sends_nothing() {
    let mut machine = Machine::new(Turn::Alone, policy());
    let mut snapshot = snapshot();
    snapshot.hub_height = 11;
    assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Certificate));
}

#[test]
fn turn_goes_round_by_height() {
    let delays = |height| [0, 1, 2, 3].map(|index| Turn::Of { index, members: 4 }.delays(height));
    assert_eq!(delays(8), [0, 1, 2, 3]);
    assert_eq!(delays(9), [3, 0, 1, 2]);
    assert_eq!(delays(u64::MAX), [1, 2, 3, 0]);
    assert_eq!(Turn::Alone.delays(9), 0);
}

#[test]
fn machine_waits_its_turn_from_when_the_oldest_height_could_be_sent() {
    // Height 11 is operator 3's of 4; operator 1 comes after two delays.
    let mut machine = Machine::new(Turn::Of { index: 1, members: 4 }, policy());
    let mut snapshot = snapshot();
    snapshot.now_ms = 500;
    let turn = |remaining_ms| Decision::Wait(Waiting::Turn { remaining_ms });
    assert_eq!(machine.decide(&snapshot), turn(2_000));
    // A newer certificate over the same oldest height does not start the wait again.
    snapshot.now_ms = 1_500;
    let mut newer = (*certificate(12)).clone();
    newer.batches.insert(0, certificate(11).batches[0].clone());
    snapshot.certificate = Some(Arc::new(newer));
    assert_eq!(machine.decide(&snapshot), turn(1_000));
    snapshot.now_ms = 2_500;
    assert!(matches!(machine.decide(&snapshot), Decision::Send(_)));
}

#[test]
fn machine_whose_height_is_settled_while_it_waits_for_its_turn_sends_nothing() {
    let mut machine = Machine::new(Turn::Of { index: 1, members: 4 }, policy());
    let mut snapshot = snapshot();
    machine.decide(&snapshot);
    settled(&mut snapshot);
    snapshot.now_ms = 10_000;
    assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Certificate));
}

#[test]
fn machine_with_a_transaction_waiting_sends_no_second_one() {
    let (mut machine, snapshot) = in_flight();
    assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Pending));
    assert_eq!(machine.watched(), [hash(1)]);
}

#[test]
fn machine_not_mined_in_time_raises_both_fees_at_the_same_nonce() {
    let (mut machine, mut snapshot) = in_flight();
    snapshot.head = 102;
    assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Pending));
    snapshot.head = 103;
    let replacement = order(machine.decide(&snapshot));
    assert_eq!((replacement.nonce, replacement.fees), (7, Fees { max: 237, tip: 12 }));
    machine.sending(&replacement, hash(2));
    assert_eq!(machine.watched(), [hash(1), hash(2)]);
    // The earlier one may still be the one that is mined.
    snapshot.seen = BTreeMap::from([(hash(1), mined(104))]);
    snapshot.head = 105;
    settled(&mut snapshot);
    machine.take_events();
    machine.decide(&snapshot);
    let acc = certificate(11).acc;
    let settled = SubmitterEvent::Settled { height: 11, acc, hash: hash(1), gas_used: 5 };
    assert!(machine.take_events().contains(&settled));
    assert!(machine.watched().is_empty());
}

#[test]
fn machine_replacing_brings_the_newest_certificate() {
    let (mut machine, mut snapshot) = in_flight();
    snapshot.head = 103;
    snapshot.certificate = Some(certificate(12));
    assert_eq!(order(machine.decide(&snapshot)).purpose, Purpose::Submit(certificate(12)));
}

#[test]
fn machine_at_the_fee_limit_waits_and_says_so_once() {
    let (mut machine, mut snapshot) = in_flight();
    snapshot.market.base_fee = 20_000;
    for head in [103, 104] {
        snapshot.head = head;
        assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Fees));
    }
    let events = machine.take_events();
    assert_eq!(events, [SubmitterEvent::FeesTooHigh { needed: 20_010, limit: 10_000 }]);
    snapshot.market.base_fee = 100;
    assert!(matches!(machine.decide(&snapshot), Decision::Send(_)));
}

#[test]
fn machine_settled_by_another_cancels_what_waits() {
    let (mut machine, mut snapshot) = in_flight();
    settled(&mut snapshot);
    let cancel = order(machine.decide(&snapshot));
    assert_eq!((cancel.purpose.clone(), cancel.nonce), (Purpose::Cancel, 7));
    assert_eq!(cancel.fees, Fees { max: 237, tip: 12 });
    assert_eq!(machine.take_events(), [SubmitterEvent::SettledElsewhere { height: 11 }]);
    machine.sending(&cancel, hash(2));
    snapshot.seen.insert(hash(2), Sighting::Pooled);
    assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Pending));
}

#[test]
fn machine_settled_by_another_forgets_what_no_pool_has() {
    let (mut machine, mut snapshot) = in_flight();
    settled(&mut snapshot);
    snapshot.seen.clear();
    assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Certificate));
    assert!(machine.watched().is_empty());
}

#[test]
fn machine_settled_by_another_in_part_replaces_what_would_revert_at_once() {
    let mut machine = Machine::new(Turn::Alone, policy());
    let mut snapshot = snapshot();
    snapshot.certificate = Some(certificate(12));
    let first = order(machine.decide(&snapshot));
    machine.sending(&first, hash(1));
    // Another settled 11 alone: the certificate from 10 to 12 starts at the wrong accumulator.
    settled(&mut snapshot);
    snapshot.certificate = Some(certificate(12));
    snapshot.seen.insert(hash(1), Sighting::Pooled);
    let replacement = order(machine.decide(&snapshot));
    assert_eq!(replacement.purpose, Purpose::Submit(certificate(12)));
    assert_eq!((replacement.after, replacement.nonce), (certificate(11).acc, 7));
}

#[test]
fn machine_dropped_by_the_pool_sends_the_same_again() {
    let (mut machine, mut snapshot) = in_flight();
    snapshot.seen.clear();
    assert_eq!(machine.decide(&snapshot), Decision::Rebroadcast { hash: hash(1) });
}

#[test]
fn machine_reorged_out_of_a_block_follows_its_transaction_again() {
    let (mut machine, mut snapshot) = in_flight();
    let mut after = snapshot.clone();
    snapshot.seen.insert(hash(1), mined(101));
    snapshot.head = 101;
    snapshot.nonce_mined = 8;
    settled(&mut snapshot);
    machine.decide(&snapshot);
    assert_eq!(machine.watched(), [hash(1)]);
    machine.take_events();
    after.seen.clear();
    after.head = 101;
    after.nonce_pending = 7;
    assert_eq!(machine.decide(&after), Decision::Rebroadcast { hash: hash(1) });
    assert_eq!(machine.take_events(), [SubmitterEvent::Reorged { hash: hash(1) }]);
}

#[test]
fn machine_counts_as_settled_only_at_its_depth() {
    let (mut machine, mut snapshot) = in_flight();
    snapshot.seen.insert(hash(1), mined(101));
    snapshot.head = 101;
    snapshot.nonce_mined = 8;
    settled(&mut snapshot);
    machine.decide(&snapshot);
    let is_settled = |it: &SubmitterEvent| matches!(it, SubmitterEvent::Settled { .. });
    assert!(!machine.take_events().iter().any(is_settled));
    snapshot.head = 102;
    machine.decide(&snapshot);
    assert!(machine.take_events().iter().any(is_settled));
}

#[test]
fn machine_whose_nonce_another_process_used_takes_the_next() {
    let (mut machine, mut snapshot) = in_flight();
    snapshot.seen.clear();
    snapshot.nonce_mined = 8;
    // One look may have fallen between nonce and receipt.
    assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Pending));
    assert_eq!(order(machine.decide(&snapshot)).nonce, 8);
    assert_eq!(machine.take_events(), [SubmitterEvent::NonceTaken { nonce: 7 }]);
}

#[test]
fn machine_told_that_the_nonce_is_too_low_asks_for_it_again() {
    let mut machine = Machine::new(Turn::Alone, policy());
    let mut snapshot = snapshot();
    let first = order(machine.decide(&snapshot));
    machine.sending(&first, hash(1));
    machine.not_sent(SendFault::NonceTooLow);
    (snapshot.nonce_mined, snapshot.nonce_pending) = (8, 8);
    assert_eq!(order(machine.decide(&snapshot)).nonce, 8);
}

#[test]
fn machine_told_that_it_is_known_or_told_nothing_keeps_its_transaction() {
    for fault in [SendFault::AlreadyKnown, SendFault::Unknown("timeout".into())] {
        let mut machine = Machine::new(Turn::Alone, policy());
        let first = order(machine.decide(&snapshot()));
        machine.sending(&first, hash(1));
        machine.not_sent(fault);
        assert_eq!(machine.watched(), [hash(1)]);
    }
}

#[test]
fn machine_told_that_it_is_underpriced_raises_at_the_next_look() {
    let mut machine = Machine::new(Turn::Alone, policy());
    let snapshot = snapshot();
    let first = order(machine.decide(&snapshot));
    machine.sending(&first, hash(1));
    machine.not_sent(SendFault::Underpriced);
    let second = order(machine.decide(&snapshot));
    assert_eq!((second.nonce, second.fees), (7, Fees { max: 237, tip: 12 }));
}

#[test]
fn machine_told_that_it_is_rejected_keeps_watching_what_was_taken_before() {
    let (mut machine, mut snapshot) = in_flight();
    snapshot.head = 103;
    let second = order(machine.decide(&snapshot));
    machine.sending(&second, hash(2));
    machine.not_sent(SendFault::Rejected("no".into()));
    assert_eq!(machine.watched(), [hash(1)]);
}

#[test]
fn machine_after_a_restart_waits_for_what_the_account_sent_before_then_replaces_it() {
    let mut machine = Machine::new(Turn::Alone, policy());
    let mut snapshot = snapshot();
    snapshot.nonce_pending = 8;
    for head in [100, 102] {
        snapshot.head = head;
        assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Foreign));
    }
    snapshot.head = 103;
    assert_eq!(order(machine.decide(&snapshot)).nonce, 7);
    assert_eq!(machine.take_events(), [SubmitterEvent::TakingOver { nonce: 7 }]);
}

#[test]
fn machine_refused_by_the_hub_waits_some_blocks_before_it_tries_again() {
    let mut machine = Machine::new(Turn::Alone, policy());
    let mut snapshot = snapshot();
    let first = order(machine.decide(&snapshot));
    machine.refused(&first, "it would revert".into());
    assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Hold));
    snapshot.head = 103;
    assert!(matches!(machine.decide(&snapshot), Decision::Send(_)));
}

#[test]
fn machine_refused_by_the_hub_takes_a_newer_certificate_at_once() {
    let mut machine = Machine::new(Turn::Alone, policy());
    let mut snapshot = snapshot();
    let first = order(machine.decide(&snapshot));
    machine.refused(&first, "it would revert".into());
    snapshot.certificate = Some(certificate(12));
    assert!(matches!(machine.decide(&snapshot), Decision::Send(_)));
}

#[test]
fn machine_reverted_on_chain_does_not_pay_again_at_once() {
    let (mut machine, mut snapshot) = in_flight();
    let end = Execution::Reverted;
    snapshot.seen.insert(hash(1), Sighting::Mined { block: 101, gas_used: 5, end });
    snapshot.head = 101;
    (snapshot.nonce_mined, snapshot.nonce_pending) = (8, 8);
    assert_eq!(machine.decide(&snapshot), Decision::Wait(Waiting::Hold));
}

#[test]
fn machine_with_a_low_balance_warns_once_until_it_is_filled() {
    let mut machine = Machine::new(Turn::Alone, policy());
    let mut snapshot = snapshot();
    snapshot.certificate = None;
    let mut warnings = 0;
    for balance in [49, 49, 50, 0] {
        snapshot.balance = balance;
        machine.decide(&snapshot);
        warnings += machine.take_events().len();
    }
    assert_eq!(warnings, 2);
}

#[test]
fn machine_replacing_without_end_watches_a_bounded_number() {
    let (mut machine, mut snapshot) = in_flight();
    for round in 0..200u8 {
        snapshot.head += 3;
        if let Decision::Send(mut order) = machine.decide(&snapshot) {
            // So that the limit on fees is never reached.
            order.fees = Fees { max: 210, tip: 10 };
            machine.sending(&order, hash(round));
        }
        snapshot.seen.insert(hash(round), Sighting::Pooled);
    }
    assert_eq!(machine.watched().len(), 32);
}
