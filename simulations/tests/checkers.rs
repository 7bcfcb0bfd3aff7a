//! Each checker passes a history that is right, and fails one that is wrong in its way alone.

use alloy_primitives::{Address, B256, keccak256};
use assay_simulations::{
    check::{Checkers, IDS, Stop, Violation},
    scenario::{Behaviour, Scenario},
    trace::{Channel, Event, Place, Record, Sink, Tracer},
};
use operator::JournalKey;
use protocol::{
    block::Block,
    bundle::{Bundle, SignedBundle},
    bytes,
    fact::{Fact, Reveal},
    ids::{Height, HubIndex, JobId, LedgerTime, OperatorIndex},
    job::{JobDescriptor, Position, Sighting},
    outcome::{Judgement, Outcome, Verdict, code},
    subject::{GroupSignature, Subject},
};

const START_MS: u64 = 1_700_000_000_000;
const HUB: HubIndex = HubIndex(0);
const SEED: B256 = B256::repeat_byte(5);
const RESPONSE: B256 = B256::repeat_byte(6);
const ACC: B256 = B256::repeat_byte(7);
const LEDGER: B256 = B256::repeat_byte(8);
const SALT: B256 = B256::repeat_byte(9);

fn operators() -> impl Iterator<Item = OperatorIndex> {
    (0..4).map(OperatorIndex)
}

fn address(by: OperatorIndex) -> [u8; 20] {
    [by.0 as u8 + 1; 20]
}

fn sighting() -> Sighting {
    let job = JobDescriptor {
        chain_id: 1,
        escrow: Address::ZERO,
        index: 1,
        provider: Address::ZERO,
        kind: [0; 4],
        statement_hash: B256::repeat_byte(3),
        deadline_seconds: u64::MAX,
    };
    Sighting { hub: HUB, job, position: Position { block_number: 1, log_index: 0 } }
}

fn job() -> JobId {
    sighting().job.id()
}

fn reveal() -> Reveal {
    Reveal {
        verdict: Verdict::Valid,
        code: 0,
        value: 1,
        seed: SEED,
        response: RESPONSE,
        reported: B256::ZERO,
        salt: SALT,
    }
}

fn judgement() -> Judgement {
    reveal().judgement(sighting().job.statement_hash)
}

fn commitment(by: OperatorIndex) -> B256 {
    bytes::commitment(LEDGER, job(), address(by).into(), &judgement(), SALT)
}

fn outcome() -> Outcome {
    Outcome { job: job(), hub: HUB, job_index: 1, judgement: judgement() }
}

fn state(height: u64) -> B256 {
    keccak256(height.to_be_bytes())
}

/// What a member says in the block of a height.
fn facts(height: u64, by: OperatorIndex) -> Vec<Fact> {
    let job = job();
    match height {
        1 => vec![Fact::Saw(sighting())],
        2 => vec![Fact::Got { job, response: RESPONSE, signature: [0; 65] }],
        3 => vec![Fact::Commit { job, commitment: commitment(by) }],
        4 => vec![Fact::Reveal { job, reveal: reveal() }],
        _ => Vec::new(),
    }
}

fn block(height: u64) -> Block {
    let bundles = operators()
        .map(|operator| {
            let time = LedgerTime(START_MS + height * 100);
            let facts = facts(height, operator);
            SignedBundle {
                bundle: Bundle { operator, number: height, time, facts },
                signature: [0; 65],
            }
        })
        .collect();
    Block { state_digest: state(height - 1), bundles, signatures: Vec::new() }
}

fn decided(number: u64, block: Block) -> Vec<Event> {
    let (height, id) = (Height(number), state(1_000 + number));
    let proposer = OperatorIndex(0);
    let mut events = vec![Event::Decided { height, round: 0, proposer, id, block }];
    let time = LedgerTime(START_MS + number * 100);
    events.extend(operators().map(|by| Event::Applied {
        by,
        height,
        id,
        state_digest: state(number),
        time,
    }));
    events
}

fn signed(subject: Subject) -> Vec<Event> {
    let message = keccak256(borsh::to_vec(&subject).unwrap());
    let mut events: Vec<Event> = operators()
        .take(3)
        .map(|by| Event::Partial { by, subject, message, holds: true })
        .collect();
    let by = OperatorIndex(0);
    events.push(Event::Combined { by, subject, holds: true, digest: message });
    events
}

/// A job from request to settlement, as it should be.
fn good() -> Vec<Event> {
    let (height, job, response) = (Height, job(), RESPONSE);
    let beacon = Subject::Beacon { height: Height(1) };
    let attestation = Subject::Attestation { height: Height(4), hub: HUB };
    let operators = operators().map(address).collect();
    let mut events = vec![
        Event::Began { unix_ms: START_MS, genesis_ms: START_MS, ledger_id: LEDGER, operators },
        Event::Healed,
        Event::Requested { sighting: sighting(), provider: Behaviour::Honest },
    ];
    events.extend(decided(1, block(1)));
    events.push(Event::Opened { height: height(1), job });
    events.extend(signed(beacon));
    events.push(Event::Responded { job, response, holds: true });
    events.extend(decided(2, block(2)));
    events.push(Event::Signed { height: height(2), subject: beacon, signature: [0; 48] });
    events.push(Event::Challenged { height: height(2), job, seed: SEED });
    events.push(Event::Answered { height: height(2), job, response });
    events.extend(decided(3, block(3)));
    events.push(Event::RevealsOpened { height: height(3), job });
    let by = OperatorIndex(0);
    events.push(Event::Said { by, place: Place::Reveal(job), digest: SALT });
    events.extend(decided(4, block(4)));
    events.push(Event::Concluded { height: height(4), outcome: outcome() });
    let outcomes = vec![outcome()];
    let previous = B256::ZERO;
    events.push(Event::Batched { height: height(4), hub: HUB, outcomes, previous, acc: ACC });
    events.extend(signed(attestation));
    events.extend(decided(5, block(5)));
    events.push(Event::Signed { height: height(5), subject: attestation, signature: [0; 48] });
    let outcomes = vec![(1, Verdict::Valid, 0)];
    events.push(Event::Recorded { by, height: height(4), hub: HUB, outcomes, acc: ACC });
    events.push(Event::Ended);
    events
}

fn scenario() -> Scenario {
    Scenario::parse("name = \"by-hand\"\noperators = 4").unwrap()
}

/// All violations of a history, each event a step of one second.
fn check(events: Vec<Event>) -> Vec<Violation> {
    let mut checkers = Checkers::new(&scenario(), Stop::Never);
    for (step, event) in (1..).zip(events) {
        checkers.check(&Record { step, at_ms: step * 1_000, event });
    }
    checkers.into_violations()
}

fn ids(events: Vec<Event>) -> Vec<&'static str> {
    let mut ids: Vec<_> = check(events).iter().map(|violation| violation.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The good history with every event changed by `change`, which returns what stands instead.
fn changed(change: impl Fn(Event) -> Vec<Event>) -> Vec<Event> {
    good().into_iter().flat_map(change).collect()
}

/// The good history with the block of a height changed.
fn with_block(of: u64, change: impl Fn(&mut Block)) -> Vec<Event> {
    changed(|mut event| {
        if let Event::Decided { height, block, .. } = &mut event
            && height.0 == of
        {
            change(block);
        }
        vec![event]
    })
}

fn after(events: Vec<Event>, is: impl Fn(&Event) -> bool, more: Event) -> Vec<Event> {
    let at = events.iter().position(is).unwrap() + 1;
    let (before, behind) = events.split_at(at);
    [before, &[more], behind].concat()
}

fn is_revealed_opened(event: &Event) -> bool {
    matches!(event, Event::RevealsOpened { .. })
}

#[test]
fn history_that_is_right_breaks_nothing() {
    assert_eq!(check(good()), []);
}

#[test]
fn checkers_cover_the_ids_that_they_name() {
    let documented = include_str!("../../docs/invariants.md");
    for id in IDS {
        assert!(documented.contains(&format!("## {id}\n")), "{id} is not in docs/invariants.md");
    }
}

#[test]
fn checkers_stop_a_run_only_when_told_to() {
    for (stop, is_done) in [(Stop::AtFirst, true), (Stop::Never, false)] {
        let mut checkers = Checkers::new(&scenario(), stop);
        let mut tracer = Tracer::new(vec![&mut checkers]);
        assert!(!tracer.is_done());
        tracer.tell(Event::Opened { height: Height(1), job: job() });
        assert_eq!(tracer.is_done(), is_done);
        drop(tracer);
        assert_eq!(checkers.violations().len(), 1);
        assert_eq!(checkers.is_done(), is_done);
    }
}

#[test]
fn agree_two_blocks_at_a_height_is_broken() {
    let other = changed(|mut event| {
        if let Event::Applied { by: OperatorIndex(2), height: Height(3), id, .. } = &mut event {
            *id = B256::ZERO;
        }
        vec![event]
    });
    assert_eq!(ids(other), ["INV-AGREE"]);
}

#[test]
fn digest_of_one_member_that_differs_is_broken() {
    let other = changed(|mut event| {
        if let Event::Applied { by: OperatorIndex(2), height: Height(3), state_digest, .. } =
            &mut event
        {
            *state_digest = B256::ZERO;
        }
        vec![event]
    });
    assert_eq!(ids(other), ["INV-DIGEST"]);
    assert_eq!(ids(with_block(3, |block| block.state_digest = B256::ZERO)), ["INV-DIGEST"]);
}

#[test]
fn bound_too_large_too_many_is_broken() {
    let from = Some(OperatorIndex(0));
    let large = Event::Sent { from, channel: Channel::Partials, bytes: 1_000_000, copies: 3 };
    assert_eq!(ids(after(good(), is_revealed_opened, large)), ["INV-BOUND"]);
    let signature =
        GroupSignature { subject: Subject::Beacon { height: Height(1) }, signature: [0; 48] };
    let many = with_block(3, |block| block.signatures = vec![signature.clone(); 17]);
    assert_eq!(ids(many), ["INV-BOUND"]);
    let by = OperatorIndex(0);
    let held = |journal| Event::Held { by, messages: 0, journal, journal_bytes: 0 };
    assert_eq!(ids(after(good(), is_revealed_opened, held(10))), [""; 0]);
    assert_eq!(ids(after(good(), is_revealed_opened, held(1_000))), ["INV-BOUND"]);
}

#[test]
fn combine_with_fewer_than_q_or_two_ways_is_broken() {
    let fewer = changed(|event| match event {
        Event::Partial { by: OperatorIndex(2), .. } => Vec::new(),
        event => vec![event],
    });
    assert_eq!(ids(fewer), ["INV-COMBINE"]);
    let bad = changed(|mut event| {
        if let Event::Combined { holds, .. } = &mut event {
            *holds = false;
        }
        vec![event]
    });
    assert!(ids(bad).contains(&"INV-COMBINE"));
    let subject = Subject::Beacon { height: Height(1) };
    let by = OperatorIndex(3);
    let other = Event::Combined { by, subject, holds: true, digest: B256::ZERO };
    assert_eq!(ids(after(good(), is_revealed_opened, other)), ["INV-COMBINE"]);
}

#[test]
fn commit_reveal_without_commitment_or_before_time_is_broken() {
    let without = with_block(3, |block| {
        for signed in block.bundles.iter_mut().take(2) {
            signed.bundle.facts.clear();
        }
    });
    // Two of four did not commit: reveals opened too early besides.
    assert_eq!(ids(without), ["INV-COMMIT", "INV-PHASE"]);
    let other = with_block(3, |block| {
        for signed in block.bundles.iter_mut().take(2) {
            signed.bundle.facts = vec![Fact::Commit { job: job(), commitment: SALT }];
        }
    });
    assert_eq!(ids(other), ["INV-COMMIT"]);
    let by = OperatorIndex(1);
    let early = Event::Said { by, place: Place::Reveal(job()), digest: SALT };
    let is_answered = |event: &Event| matches!(event, Event::Answered { .. });
    assert_eq!(ids(after(good(), is_answered, early)), ["INV-COMMIT"]);
}

#[test]
fn once_two_outcomes_of_a_job_are_broken() {
    let twice = Event::Concluded { height: Height(4), outcome: outcome() };
    let is_concluded = |event: &Event| matches!(event, Event::Concluded { .. });
    assert!(ids(after(good(), is_concluded, twice)).contains(&"INV-JOB-ONCE"));
    let other = changed(|mut event| {
        if let Event::Recorded { outcomes, .. } = &mut event {
            *outcomes = vec![(1, Verdict::Invalid, 1)];
        }
        vec![event]
    });
    assert_eq!(ids(other), ["INV-JOB-ONCE"]);
    let subject = Subject::Attestation { height: Height(4), hub: HUB };
    let partial =
        Event::Partial { by: OperatorIndex(3), subject, message: B256::ZERO, holds: true };
    let is_recorded = |event: &Event| matches!(event, Event::Recorded { .. });
    assert_eq!(ids(after(good(), is_recorded, partial)), ["INV-JOB-ONCE"]);
    let outcomes = vec![outcome()];
    let batch = Event::Batched { height: Height(5), hub: HUB, outcomes, previous: ACC, acc: SALT };
    let is_batched = |event: &Event| matches!(event, Event::Batched { .. });
    assert!(ids(after(good(), is_batched, batch)).contains(&"INV-JOB-ONCE"));
}

#[test]
fn quorum_fewer_sightings_or_reveals_are_broken() {
    let unseen = with_block(1, |block| block.bundles.truncate(1));
    assert_eq!(ids(unseen), ["INV-JOB-QUORUM"]);
    let few = with_block(4, |block| block.bundles.truncate(2));
    assert!(ids(few).contains(&"INV-JOB-QUORUM"));
}

#[test]
fn sound_verdict_that_its_response_refutes_is_broken() {
    let wrong = changed(|mut event| {
        if let Event::Responded { holds, .. } = &mut event {
            *holds = false;
        }
        vec![event]
    });
    // Whoever is honest and said so can be slashed for it.
    assert_eq!(ids(wrong), ["INV-SLASH", "INV-SOUND"]);
    let missed = changed(|mut event| {
        if let Event::Concluded { outcome, .. } = &mut event {
            outcome.judgement.verdict = Verdict::Missed;
            outcome.judgement.code = code::NO_ANSWER;
        }
        vec![event]
    });
    assert!(ids(missed).contains(&"INV-SOUND"));
}

#[test]
fn live_job_that_is_open_unsigned_or_unrecorded_at_the_end_is_broken() {
    let gone: [fn(&Event) -> bool; 3] = [
        |event| matches!(event, Event::Recorded { .. }),
        |event| matches!(event, Event::Signed { subject: Subject::Attestation { .. }, .. }),
        |event| {
            matches!(
                event,
                Event::Concluded { .. } | Event::Batched { .. } | Event::Recorded { .. }
            )
        },
    ];
    for is_gone in gone {
        let short = good().into_iter().filter(|event| !is_gone(event)).collect();
        assert_eq!(ids(short), ["INV-LIVE"]);
    }
}

/// The good history up to its answer, and then only heights.
fn unanswered(ended_at: u64, window_ms: u64) -> Vec<Event> {
    let mut events: Vec<Event> = good()
        .into_iter()
        .take_while(|event| !matches!(event, Event::Answered { .. }))
        .map(|mut event| {
            if let Event::Decided { height: Height(2), block, .. } = &mut event {
                block.bundles.iter_mut().for_each(|signed| signed.bundle.facts.clear());
            }
            event
        })
        .collect();
    let missed = Outcome {
        judgement: Judgement { verdict: Verdict::Missed, code: code::NO_ANSWER, ..judgement() },
        ..outcome()
    };
    for height in 3..=ended_at {
        let mut block = block(height);
        for signed in &mut block.bundles {
            signed.bundle.facts.clear();
            signed.bundle.time = LedgerTime(START_MS + (height - 2) * window_ms);
        }
        let (height, id, proposer) = (Height(height), state(height), OperatorIndex(0));
        events.push(Event::Decided { height, round: 0, proposer, id, block });
    }
    events.push(Event::Concluded { height: Height(ended_at), outcome: missed });
    events
}

/// Everybody has spoken at height 3, so a window of 5 s that is a block long ends after height 4; with
/// f + 2 blocks since the opening at 2, height 5 is the first that may end it.
#[test]
fn phase_that_ends_a_block_early_or_late_is_broken() {
    assert_eq!(ids(unanswered(5, 5_000)), [""; 0]);
    assert_eq!(ids(unanswered(4, 5_000)), ["INV-PHASE"]);
    assert_eq!(ids(unanswered(6, 5_000)), ["INV-PHASE"]);
    assert_eq!(ids(unanswered(5, 4_999)), ["INV-PHASE"]);
    assert_eq!(ids(unanswered(6, 4_999)), [""; 0]);
    // Blocks alone count as little as time alone.
    assert_eq!(ids(unanswered(4, 20_000)), ["INV-PHASE"]);
    assert_eq!(ids(unanswered(5, 20_000)), [""; 0]);
}

#[test]
fn reorg_halted_member_that_commits_or_signs_is_broken() {
    let by = OperatorIndex(1);
    let halted = Event::Halted { at: by, hub: HUB };
    let base = after(good(), |event| matches!(event, Event::Answered { .. }), halted.clone());
    let attestation = Place::Partial(Subject::Attestation { height: Height(9), hub: HUB });
    let beacon = Place::Partial(Subject::Beacon { height: Height(9) });
    let say = |place| Event::Said { by, place, digest: SALT };
    let ended = |event: &Event| matches!(event, Event::Recorded { .. });
    for place in [Place::Commit(job()), attestation] {
        assert_eq!(ids(after(base.clone(), ended, say(place))), ["INV-REORG"]);
    }
    assert_eq!(ids(after(base.clone(), ended, say(beacon))), [""; 0]);
    // What was said before may be said again.
    let said =
        after(good(), |event| matches!(event, Event::Answered { .. }), say(Place::Commit(job())));
    let again = after(after(said, is_revealed_opened, halted), ended, say(Place::Commit(job())));
    assert_eq!(ids(again), [""; 0]);
}

#[test]
fn restart_contradiction_is_broken() {
    let by = OperatorIndex(1);
    let say = |digest| Event::Said { by, place: Place::Bundle(9), digest };
    let once = after(good(), is_revealed_opened, say(SALT));
    assert_eq!(ids(after(once.clone(), is_revealed_opened, say(SALT))), [""; 0]);
    assert_eq!(ids(after(once, is_revealed_opened, say(SEED))), ["INV-RESTART"]);
}

#[test]
fn seed_known_too_early_or_twice_is_broken() {
    let early = changed(|event| match event {
        Event::Responded { .. } => Vec::new(),
        Event::Opened { .. } => {
            let (job, response) = (job(), RESPONSE);
            vec![event, Event::Responded { job, response, holds: true }]
        }
        event => vec![event],
    });
    assert_eq!(ids(early), ["INV-SEED"]);
    let again = Event::Challenged { height: Height(2), job: job(), seed: SALT };
    let is_challenged = |event: &Event| matches!(event, Event::Challenged { .. });
    assert!(ids(after(good(), is_challenged, again)).contains(&"INV-SEED"));
    let subject = Subject::Beacon { height: Height(9) };
    let ahead = Event::Partial { by: OperatorIndex(1), subject, message: SALT, holds: true };
    assert_eq!(ids(after(good(), is_revealed_opened, ahead)), ["INV-SEED"]);
    let other = with_block(4, |block| {
        for signed in block.bundles.iter_mut().take(2) {
            let reveal = Reveal { response: SALT, ..reveal() };
            signed.bundle.facts = vec![Fact::Reveal { job: job(), reveal }];
        }
    });
    assert!(ids(other).contains(&"INV-SEED"));
}

#[test]
fn slash_evidence_against_the_honest_is_broken() {
    let (by, member) = (OperatorIndex(0), OperatorIndex(1));
    let blamed = Event::Blamed { by, member, why: "Malformed".into() };
    assert_eq!(ids(after(good(), is_revealed_opened, blamed)), ["INV-SLASH"]);
    let twice = with_block(4, |block| {
        let other = Reveal { verdict: Verdict::Inconclusive, ..reveal() };
        if let Some(signed) = block.bundles.first_mut() {
            signed.bundle.facts.push(Fact::Reveal { job: job(), reveal: other });
        }
    });
    assert_eq!(ids(twice), ["INV-SLASH"]);
}

#[test]
fn time_that_goes_back_jumps_or_is_ahead_is_broken() {
    let at = |of: u64, ms: i64| {
        changed(move |mut event| {
            if let Event::Applied { height, time, .. } = &mut event
                && height.0 == of
            {
                time.0 = time.0.saturating_add_signed(ms);
            }
            vec![event]
        })
    };
    assert_eq!(ids(at(4, -150)), ["INV-TIME"]);
    assert_eq!(ids(at(4, 1_000_000)), ["INV-TIME"]);
    // Within the time that has passed, and yet more than a step.
    let mut long = at(5, 40_000);
    let healed = long.iter().position(|event| *event == Event::Healed).unwrap();
    long.splice(healed..healed, std::iter::repeat_n(Event::Healed, 100));
    assert_eq!(ids(long), ["INV-TIME"]);
}

/// The journal's keys are part of the format of traces.
#[test]
fn journal_key_in_a_trace_is_read_back() {
    let event = Event::Synced { by: OperatorIndex(1), key: JournalKey::Bundle, digest: SALT };
    let bytes = borsh::to_vec(&event).unwrap();
    assert_eq!(borsh::from_slice::<Event>(&bytes).unwrap(), event);
}
