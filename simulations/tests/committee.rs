//! Four operators in one process, from key ceremony to certificate.

use alloy_primitives::B256;
use assay_simulations::{
    World,
    provider::WRONG_SEED,
    scenario::{Behaviour, Scenario, Signatures},
};
use protocol::{
    block::Block,
    bytes,
    fact::Fact,
    ids::{JobId, OperatorIndex},
    ledger::Phase,
    outcome::{Verdict, code},
};

/// Virtual time that is more than enough for anything here.
const LIMIT_MS: u64 = 300_000;

/// What a world is made of here.
#[derive(Clone, Copy)]
struct Options {
    seed: u64,
    loss_permille: u32,
    signatures: Signatures,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, loss_permille: 0, signatures: Signatures::Standin }
    }
}

/// A world of four without requests of its own, whose faults never end.
fn world(options: Options) -> World<'static> {
    let text = "name = \"by-hand\"\noperators = 4\nclock = { heal_ms = 100000000, settle_ms = 1 }\n\
                jobs = { count = 0 }\n";
    let mut scenario = Scenario::parse(text).unwrap();
    scenario.network.loss_permille = options.loss_permille;
    scenario.signatures = options.signatures;
    World::new(&scenario, options.seed, Vec::new())
}

/// A world that has its group key.
fn world_with_key(options: Options) -> World<'static> {
    let mut world = world(options);
    let formed = world.run_until(LIMIT_MS, |world| {
        world.operators().all(|operator| operator.ledger().group().is_some())
    });
    assert!(formed, "no group key: {:?}", world.warnings());
    world
}

/// Runs until every one of `jobs` has an outcome and the group has signed it.
fn settle(world: &mut World<'_>, jobs: &[JobId]) {
    let done = world.run_until(LIMIT_MS, |world| {
        jobs.iter().all(|job| world.outcomes().contains_key(job))
            && world.batches().keys().next_back() == world.attestations().keys().next_back()
    });
    assert!(done, "outcomes {:?}, warnings {:?}", world.outcomes(), world.warnings());
}

/// INV-DIGEST: same blocks, same digest.
fn assert_same_digest(world: &mut World<'_>) {
    let heights = |world: &World<'_>| -> Vec<_> {
        world.operators().map(|operator| operator.ledger().state().height).collect()
    };
    let level = |world: &World<'_>| heights(world).windows(2).all(|pair| pair[0] == pair[1]);
    assert!(world.run_until(LIMIT_MS, level), "{:?}", heights(world));
    let digests: Vec<_> = world.operators().map(|operator| operator.ledger().digest()).collect();
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
}

fn assert_certificates_verify(world: &World<'_>) {
    let operator = world.operators().next().unwrap();
    let ledger = operator.ledger();
    let mut acc = Default::default();
    for (height, batch) in world.batches() {
        assert_eq!(batch.previous, acc, "batches chain");
        acc = batch.acc;
        let Some(signature) = world.attestations().get(height) else { continue };
        let decided = &world.blocks()[usize::try_from(height.0).unwrap() - 1];
        let block = decided.certificate.value_id.0.into();
        let hub = ledger.genesis().hubs[0].address();
        let state = ledger.state();
        let message = bytes::attestation(state.ledger_id, hub, 0, state.epoch, *height, block, acc);
        let signature = threshold::Signature::from_eip2537(signature).unwrap();
        threshold::verify(&ledger.group().unwrap().key, &message.0, &signature).unwrap();
    }
}

fn verdict_of(world: &World<'_>, job: JobId) -> (Verdict, u16) {
    let judgement = world.outcomes()[&job].judgement;
    (judgement.verdict, judgement.code)
}

#[test]
fn committee_each_provider_behaviour_concludes_and_certifies() {
    let options = Options { signatures: Signatures::Real, ..Options::default() };
    let mut world = world_with_key(options);
    let honest = world.request(Behaviour::Honest);
    let wrong = world.request(Behaviour::Wrong);
    let silent = world.request(Behaviour::Silent);
    let two_faced = world.request(Behaviour::Split);
    settle(&mut world, &[honest, wrong, silent, two_faced]);
    assert_eq!(verdict_of(&world, honest), (Verdict::Valid, 0));
    assert_eq!(verdict_of(&world, wrong), (Verdict::Invalid, WRONG_SEED));
    assert_eq!(verdict_of(&world, silent), (Verdict::Missed, code::NO_ANSWER));
    assert_eq!(verdict_of(&world, two_faced), (Verdict::Invalid, code::EQUIVOCATED));
    assert_certificates_verify(&world);
    assert_same_digest(&mut world);
}

#[test]
fn committee_same_seed_same_trace() {
    let run = |seed| {
        let mut world = world_with_key(Options { seed, loss_permille: 100, ..Options::default() });
        let job = world.request(Behaviour::Honest);
        settle(&mut world, &[job]);
        world.digest()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn committee_member_down_concludes_and_catches_up() {
    let mut world = world_with_key(Options::default());
    world.crash(2, 60_000);
    let jobs = [world.request(Behaviour::Honest), world.request(Behaviour::Silent)];
    settle(&mut world, &jobs);
    assert_eq!(world.operators().count(), 3);
    assert_eq!(verdict_of(&world, jobs[0]).0, Verdict::Valid);
    assert_eq!(verdict_of(&world, jobs[1]).0, Verdict::Missed);
    let back = world.run_until(LIMIT_MS, |world| world.operators().count() == 4);
    assert!(back);
    assert!(world.operators().all(operator::Operator::has_share));
    assert_same_digest(&mut world);
}

/// Facts about a job that a member put into bundles.
fn facts_about(world: &World<'_>, member: u16, job: JobId) -> usize {
    let blocks: Vec<Block> =
        world.blocks().iter().map(|decided| Block::decode(&decided.body).unwrap()).collect();
    let of_member = blocks
        .iter()
        .flat_map(|block| &block.bundles)
        .filter(|signed| signed.bundle.operator == OperatorIndex(member));
    let is_about = |fact: &&Fact| match fact {
        Fact::Saw(sighting) => sighting.job.id() == job,
        Fact::Got { job: of, .. } | Fact::Commit { job: of, .. } | Fact::Reveal { job: of, .. } => {
            *of == job
        }
        Fact::CeremonyKey { .. } | Fact::CeremonyLog { .. } => false,
    };
    of_member.flat_map(|signed| &signed.bundle.facts).filter(is_about).count()
}

/// INV-REORG: who has halted a hub says nothing about its jobs and signs nothing for it; heights go on.
#[test]
fn committee_hub_halted_by_f_goes_on_and_by_more_is_signed_nothing_for() {
    let mut world = world_with_key(Options::default());
    world.halt(0);
    let job = world.request(Behaviour::Honest);
    settle(&mut world, &[job]);
    assert_eq!(verdict_of(&world, job).0, Verdict::Valid);
    assert_eq!(facts_about(&world, 0, job), 0);
    assert!((1..4).all(|member| facts_about(&world, member, job) > 0));

    world.halt(1);
    let (attested, height) = (world.attestations().len(), world.blocks().len());
    let job = world.request(Behaviour::Honest);
    world.run_until(LIMIT_MS, |_| false);
    assert_eq!(world.attestations().len(), attested);
    assert!((0..2).all(|member| facts_about(&world, member, job) == 0));
    assert!(facts_about(&world, 2, job) > 0 && world.blocks().len() > height);
    assert_same_digest(&mut world);
}

#[test]
fn committee_crashes_everywhere_conclude_without_contradiction() {
    for seed in 1..=8u64 {
        let mut world = world_with_key(Options { seed, loss_permille: 50, ..Options::default() });
        let jobs: Vec<JobId> = (1..=6)
            .map(|index| {
                let behaviour = if index % 2 == 0 { Behaviour::Honest } else { Behaviour::Wrong };
                world.request(behaviour)
            })
            .collect();
        for step in 0..12usize {
            world.run_until(137 + seed * 31, |_| false);
            world.crash(step % 4, 400);
        }
        settle(&mut world, &jobs);
        for (position, job) in jobs.iter().enumerate() {
            let verdict = verdict_of(&world, *job).0;
            let expected = if position % 2 == 1 { Verdict::Valid } else { Verdict::Invalid };
            assert_eq!(verdict, expected, "seed {seed}, job {}", position + 1);
        }
        let contradictions: Vec<&String> = world
            .warnings()
            .iter()
            .filter(|warning| {
                ["contradicts", "two bundles", "does not open", "another process"]
                    .iter()
                    .any(|bad| warning.contains(bad))
            })
            .collect();
        assert!(contradictions.is_empty(), "seed {seed}: {contradictions:?}");
        assert_same_digest(&mut world);
    }
}

#[test]
fn committee_of_honest_members_warns_of_nothing() {
    for seed in 1..=8u64 {
        let mut world = world_with_key(Options { seed, ..Options::default() });
        let jobs: Vec<JobId> = (1..=6).map(|_| world.request(Behaviour::Honest)).collect();
        settle(&mut world, &jobs);
        assert_eq!(world.warnings(), Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn committee_crash_in_ceremony_still_forms_key() {
    for down_ms in [100, 500, 40_000] {
        let mut world = world(Options { seed: down_ms, ..Options::default() });
        world.run_until(40, |_| false);
        world.crash(1, down_ms);
        let formed = world.run_until(LIMIT_MS, |world| {
            world.operators().filter(|operator| operator.has_share()).count() >= 3
        });
        assert!(formed, "down for {down_ms} ms: {:?}", world.warnings());
        let job = world.request(Behaviour::Honest);
        settle(&mut world, &[job]);
        assert_eq!(verdict_of(&world, job).0, Verdict::Valid);
    }
}

#[test]
fn committee_after_long_idle_time_does_not_miss_an_answer() {
    let mut world = world_with_key(Options::default());
    for place in 0..4 {
        world.crash(place, 3_600_000);
    }
    world.run_until(3_600_100, |_| false);
    let job = world.request(Behaviour::Honest);
    settle(&mut world, &[job]);
    assert_eq!(verdict_of(&world, job), (Verdict::Valid, 0));
}

/// The height at which a job is open and its phase, as the first operator sees it.
fn open_job(world: &World<'_>, job: JobId) -> Option<(u64, Phase, B256)> {
    let operator = world.operators().next()?;
    let open = operator.ledger().state().jobs.get(&job)?;
    Some((open.opened.0, open.phase, open.seed))
}

#[test]
fn committee_seed_is_known_before_its_block_and_is_the_ledgers() {
    let mut world = world_with_key(Options::default());
    let job = world.request(Behaviour::Honest);
    let early = |world: &World<'_>| {
        let first = world.operators().next()?;
        let (_, phase, _) = open_job(world, job)?;
        first.seed(job).filter(|_| phase == Phase::Challenged)
    };
    assert!(world.run_until(LIMIT_MS, |world| early(world).is_some()));
    let early = early(&world).unwrap();
    let challenged = |world: &World<'_>| {
        open_job(world, job).is_some_and(|(_, phase, _)| phase != Phase::Challenged)
    };
    assert!(world.run_until(LIMIT_MS, challenged));
    assert_eq!(open_job(&world, job).unwrap().2, early);
    settle(&mut world, &[job]);
}
