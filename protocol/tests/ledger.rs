//! What the ledger takes, skips and concludes.

mod support;

use alloy_primitives::B256;
use assay_protocol::{
    block::{Block, BlockError},
    bundle::{BundleError, SignedBundle},
    fact::Fact,
    genesis::GenesisError,
    ids::{JobId, OperatorIndex},
    ledger::{Event, Phase, SkipCode},
    outcome::{Verdict, code},
    subject::{GroupSignature, Subject},
};
use support::{Committee, skips};

fn concluded(events: &[Event]) -> Vec<(Verdict, u16)> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Concluded(outcome) => Some((outcome.judgement.verdict, outcome.judgement.code)),
            _ => None,
        })
        .collect()
}

#[test]
fn block_that_breaks_a_rule_is_invalid() {
    let committee = Committee::new();
    let good = Block {
        state_digest: committee.ledger.digest(),
        bundles: vec![committee.bundle(0, vec![]), committee.bundle(2, vec![])],
        signatures: Vec::new(),
    };
    assert_eq!(committee.ledger.validate(&good), Ok(()));
    assert_eq!(Block::decode(&good.encode()), Ok(good.clone()));

    let mut block = good.clone();
    block.state_digest = B256::ZERO;
    assert!(matches!(committee.ledger.validate(&block), Err(BlockError::StateDigest { .. })));

    let mut block = good.clone();
    block.bundles.swap(0, 1);
    assert_eq!(committee.ledger.validate(&block), Err(BlockError::BundleOrder(OperatorIndex(0))));

    let mut block = good.clone();
    block.bundles[1].bundle.operator = OperatorIndex(4);
    assert_eq!(committee.ledger.validate(&block), Err(BlockError::NoMember(OperatorIndex(4))));

    let mut block = good.clone();
    block.bundles[1].bundle.number = 2;
    assert!(matches!(committee.ledger.validate(&block), Err(BlockError::BundleNumber { .. })));

    let mut block = good.clone();
    block.bundles[1].bundle.time.0 += 1;
    assert!(matches!(
        committee.ledger.validate(&block),
        Err(BlockError::Bundle(BundleError::WrongSigner { .. } | BundleError::Signature { .. }))
    ));

    let mut block = good.clone();
    let signature = GroupSignature {
        subject: Subject::Beacon { height: Default::default() },
        signature: [0; 48],
    };
    block.signatures = vec![signature; 17];
    assert_eq!(committee.ledger.validate(&block), Err(BlockError::TooManySignatures(17)));
    assert_eq!(Block::decode(&block.encode()), Err(BlockError::TooManySignatures(17)));

    let mut bytes = good.encode();
    bytes.push(0);
    assert!(matches!(Block::decode(&bytes), Err(BlockError::Encoding(_))));
    let long = SignedBundle::decode(&vec![0; 65 * 1024]);
    assert_eq!(long, Err(BundleError::TooLong(65 * 1024)));
}

#[test]
fn saw_of_f_plus_one_opens_and_nonsense_is_skipped() {
    let mut committee = Committee::with_key();
    let sighting = committee.sighting(1);
    let mut moved = sighting.clone();
    moved.position.block_number = 8;
    let mut elsewhere = sighting.clone();
    elsewhere.job.chain_id = 1;
    let mut late = committee.sighting(2);
    late.job.deadline_seconds = committee.now_ms / 1000 + 15;
    let events = committee.block(vec![
        (
            0,
            vec![
                Fact::Saw(sighting.clone()),
                Fact::Saw(sighting.clone()),
                Fact::Saw(elsewhere),
                Fact::Saw(late),
            ],
        ),
        (1, vec![Fact::Saw(moved)]),
    ]);
    assert_eq!(skips(&events), [SkipCode::Duplicate, SkipCode::Unknown, SkipCode::Expired]);
    assert!(committee.ledger.state().jobs.is_empty(), "two different positions are not equal");
    let events = committee.block(vec![(2, vec![Fact::Saw(sighting.clone())])]);
    assert!(events.iter().any(|event| matches!(event, Event::Opened { .. })));
    assert!(committee.ledger.state().sightings.is_empty());
    let events = committee.block(vec![(3, vec![Fact::Saw(sighting)])]);
    assert_eq!(skips(&events), [SkipCode::AlreadyOpen]);
}

#[test]
fn beacon_signature_that_does_not_verify_is_skipped() {
    let mut committee = Committee::with_key();
    let sighting = committee.sighting(1);
    committee.all(&[Fact::Saw(sighting.clone())]);
    let height = committee.ledger.state().height;
    let subject = Subject::Beacon { height };
    let mut signature = committee.sign(subject);
    let possession = committee.ledger.state().due.keys().next().copied().unwrap();
    signature.signature = committee.sign(possession).signature;
    let events = committee.block_with(Vec::new(), vec![signature]);
    assert!(events.contains(&Event::SignatureSkipped { subject }));
    assert_eq!(committee.ledger.state().jobs[&sighting.job.id()].phase, Phase::Challenged);
}

#[test]
fn got_needs_the_providers_signature() {
    let mut committee = Committee::with_key();
    let job = committee.challenged(1);
    let Fact::Got { response, mut signature, .. } = committee.got(job, b"answer") else {
        unreachable!()
    };
    signature[0] ^= 1;
    let events = committee.block(vec![
        (0, vec![Fact::Got { job, response, signature }]),
        (1, vec![Fact::Got { job: JobId(B256::ZERO), response, signature }]),
    ]);
    assert_eq!(skips(&events), [SkipCode::BadSignature, SkipCode::Unknown]);
}

#[test]
fn no_answer_is_missed_only_after_deadline_and_blocks() {
    let mut committee = Committee::with_key();
    let job = committee.challenged(1);
    // The clock starts when q members have spoken.
    committee.block(vec![(0, vec![]), (1, vec![])]);
    assert_eq!(committee.ledger.state().jobs[&job].clock().unwrap().deadline, None);
    committee.block(vec![(2, vec![])]);
    let deadline = committee.ledger.state().jobs[&job].clock().unwrap().deadline;
    assert_eq!(deadline.map(|time| time.0), Some(committee.now_ms - 10 + 10_000));
    assert!(concluded(&committee.pass(9_000)).is_empty());
    assert_eq!(concluded(&committee.pass(2_000)), [(Verdict::Missed, code::NO_ANSWER)]);
    let sighting = committee.sighting(1);
    assert_eq!(
        skips(&committee.block(vec![(0, vec![Fact::Saw(sighting)])])),
        [SkipCode::AlreadyOpen]
    );
}

#[test]
fn two_signed_responses_are_equivocation_in_any_phase() {
    let mut committee = Committee::with_key();
    let job = committee.answered(1);
    let other = committee.got(job, b"another");
    let events = committee.block(vec![(3, vec![other])]);
    assert_eq!(concluded(&events), [(Verdict::Invalid, code::EQUIVOCATED)]);
}

#[test]
fn q_equal_reveals_conclude_and_fewer_do_not() {
    let mut committee = Committee::with_key();
    let job = committee.answered(1);
    let (valid, invalid) =
        (committee.reveal(job, Verdict::Valid), committee.reveal(job, Verdict::Invalid));
    let chosen = [valid, valid, invalid, valid];
    let early = committee.block(vec![(0, vec![Fact::Reveal { job, reveal: valid }])]);
    assert_eq!(skips(&early), [SkipCode::WrongPhase]);
    let commits = (0..4).map(|at| (at, vec![committee.commitment(at, job, &chosen[at])]));
    let commits = commits.collect();
    let events = committee.block(commits);
    assert!(events.contains(&Event::RevealsOpened { job }));
    let events = committee.block(vec![
        (0, vec![Fact::Reveal { job, reveal: valid }]),
        (1, vec![Fact::Reveal { job, reveal: valid }]),
        (2, vec![Fact::Reveal { job, reveal: invalid }]),
    ]);
    assert!(concluded(&events).is_empty(), "two of four are no quorum");
    let events = committee.block(vec![(3, vec![Fact::Reveal { job, reveal: valid }])]);
    assert_eq!(concluded(&events), [(Verdict::Valid, 0)]);
}

#[test]
fn reveal_that_is_not_the_commitment_is_skipped() {
    let mut committee = Committee::with_key();
    let job = committee.answered(1);
    let valid = committee.reveal(job, Verdict::Valid);
    let mut wrong_seed = valid;
    wrong_seed.seed = B256::repeat_byte(1);
    let commits = vec![
        (0, vec![committee.commitment(0, job, &valid)]),
        (1, vec![committee.commitment(1, job, &wrong_seed)]),
        (2, vec![committee.commitment(1, job, &valid)]),
        (3, vec![committee.commitment(3, job, &valid)]),
    ];
    committee.block(commits);
    let changed = committee.reveal(job, Verdict::Invalid);
    let events = committee.block(vec![
        (0, vec![Fact::Reveal { job, reveal: changed }]),
        (1, vec![Fact::Reveal { job, reveal: wrong_seed }]),
        (2, vec![Fact::Reveal { job, reveal: valid }]),
        (3, vec![Fact::Reveal { job, reveal: valid }, Fact::Reveal { job, reveal: valid }]),
    ]);
    assert_eq!(
        skips(&events),
        [
            SkipCode::NotCommitted,
            SkipCode::WrongSubject,
            SkipCode::NotCommitted,
            SkipCode::Duplicate,
        ]
    );
}

#[test]
fn second_commitment_is_a_contradiction() {
    let mut committee = Committee::with_key();
    let job = committee.answered(1);
    let (valid, invalid) =
        (committee.reveal(job, Verdict::Valid), committee.reveal(job, Verdict::Invalid));
    let facts = vec![
        committee.commitment(0, job, &valid),
        committee.commitment(0, job, &valid),
        committee.commitment(0, job, &invalid),
    ];
    let events = committee.block(vec![(0, facts)]);
    assert_eq!(skips(&events), [SkipCode::Duplicate, SkipCode::Contradiction]);
}

#[test]
fn no_quorum_is_inconclusive_and_a_late_commitment_helps() {
    let mut committee = Committee::with_key();
    let (first, second) = (committee.answered(1), committee.answered(2));
    // All have spoken, so both clocks run.
    committee.all(&[]);
    let valid = |committee: &Committee, job| committee.reveal(job, Verdict::Valid);
    let (a, b) = (valid(&committee, first), valid(&committee, second));
    let commits = (0..2)
        .map(|at| {
            (at, vec![committee.commitment(at, first, &a), committee.commitment(at, second, &b)])
        })
        .collect();
    committee.block(commits);
    committee.pass(6_000);
    assert_eq!(committee.ledger.state().jobs[&first].phase, Phase::Revealing);
    let reveals = |job, reveal| vec![Fact::Reveal { job, reveal }];
    committee.block(vec![
        (0, [reveals(first, a), reveals(second, b)].concat()),
        (1, [reveals(first, a), reveals(second, b)].concat()),
    ]);
    let late = [vec![committee.commitment(2, second, &b)], reveals(second, b)].concat();
    let events = committee.block(vec![(2, late)]);
    assert_eq!(concluded(&events), [(Verdict::Valid, 0)]);
    assert_eq!(concluded(&committee.pass(6_000)), [(Verdict::Inconclusive, code::NO_QUORUM)]);
}

#[test]
fn ledger_time_moves_at_most_its_step_and_never_back() {
    let mut committee = Committee::with_key();
    let before = committee.ledger.state().time;
    committee.now_ms += 3_600_000;
    committee.all(&[]);
    assert_eq!(committee.ledger.state().time, before.plus_ms(30_000));
    committee.now_ms -= 7_200_000;
    committee.all(&[]);
    assert_eq!(committee.ledger.state().time, before.plus_ms(60_000), "toward the present");
}

#[test]
fn one_member_cannot_move_time() {
    let mut committee = Committee::with_key();
    let before = committee.ledger.state().time;
    committee.now_ms += 3_600_000;
    committee.block(vec![(0, vec![])]);
    assert!(committee.ledger.state().time.0 - before.0 < 100);
}

#[test]
fn ceremony_without_enough_logs_opens_the_next_round() {
    let mut committee = Committee::new();
    let keys = (0..3).map(|at| (at, vec![Fact::CeremonyKey { round: 1, key: [at as u8; 32] }]));
    committee.block(keys.collect());
    let events = committee.block(vec![
        (0, vec![Fact::CeremonyLog { round: 1, log: vec![1] }]),
        (1, vec![Fact::CeremonyKey { round: 1, key: [9; 32] }]),
    ]);
    assert_eq!(skips(&events), [SkipCode::WrongPhase, SkipCode::Contradiction]);
    assert!(committee.pass(61_000).contains(&Event::DealingOpened { round: 1 }));
    let events = committee.block(vec![(0, vec![Fact::CeremonyLog { round: 1, log: vec![1] }])]);
    assert_eq!(skips(&events), [SkipCode::BadLog]);
    let events = committee.pass(61_000);
    assert!(events.iter().any(|event| matches!(
        event,
        Event::CeremonyFailed { round: 1, absent, .. } if absent.len() == 4
    )));
    assert_eq!(committee.ledger.state().ceremony.as_ref().unwrap().round, 2);
}

#[test]
fn outage_within_a_phase_does_not_end_it() {
    let mut committee = Committee::with_key();
    let job = committee.challenged(1);
    committee.all(&[]);
    // More than f+2 blocks pass before the outage, so that only the deadline protects.
    for _ in 0..5 {
        committee.all(&[]);
    }
    committee.now_ms += 600_000;
    let mut events = Vec::new();
    for _ in 0..40 {
        events.extend(committee.all(&[]));
    }
    assert!(concluded(&events).is_empty(), "an outage is not the provider's fault");
    assert_eq!(committee.ledger.state().time, committee.ledger.state().present);
    let got = committee.got(job, b"answer");
    let events = committee.block(vec![(0, vec![got.clone()]), (1, vec![got])]);
    assert!(events.iter().any(|event| matches!(event, Event::Answered { .. })));
}

#[test]
fn batches_wait_while_no_attestation_is_signed() {
    let mut committee = Committee::with_key();
    let indices: Vec<u64> = (1..=700).collect();
    let jobs: Vec<JobId> =
        indices.chunks(300).flat_map(|chunk| committee.challenged_all(chunk)).collect();
    let mut closed = 0;
    for job in &jobs {
        let (one, two) = (committee.got(*job, b"one"), committee.got(*job, b"two"));
        let events = committee.block(vec![(0, vec![one, two])]);
        closed += events.iter().filter(|it| matches!(it, Event::BatchClosed(_))).count();
    }
    assert!((400..600).contains(&closed), "{closed} batches of one fit a transaction");
    assert!(!committee.ledger.state().ready.is_empty());
    assert!(!committee.ledger.state().wants_block(), "nothing that an empty block would bring");
    let newest = committee.ledger.state().due.keys().next_back().copied().unwrap();
    let signature = committee.sign(newest);
    let events = committee.block_with(Vec::new(), vec![signature]);
    assert!(events.iter().any(|event| matches!(event, Event::BatchClosed(_))));
    assert!(committee.ledger.state().ready.is_empty());
}

#[test]
fn genesis_with_two_hubs_on_a_chain_is_refused() {
    let (mut genesis, _, _) = support::genesis();
    let mut other = genesis.hubs[0].clone();
    other.hub = assay_protocol::Address::repeat_byte(0xCD);
    genesis.hubs.push(other);
    assert!(matches!(genesis.validate(), Err(GenesisError::Twice { what: "chain id", .. })));
}

#[test]
fn genesis_out_of_order_or_too_small_is_refused() {
    let (mut genesis, _, _) = support::genesis();
    genesis.members.swap(0, 1);
    assert_eq!(genesis.validate(), Err(GenesisError::MemberOrder(1)));
    genesis.members.truncate(3);
    assert_eq!(genesis.validate(), Err(GenesisError::Members(3)));
}
