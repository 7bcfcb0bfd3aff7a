//! Whole scenarios, seed by seed.

use assay_simulations::{
    World,
    check::{Checkers, Stop},
    scenario::{AdversaryKind, Behaviour, Scenario, Signatures},
    trace::{FaultClass, FaultCounts},
};
use protocol::outcome::Verdict;

/// Loss, duplicates, cuts, kills, a chain that re-organises and is away: all of it heals.
const FAULTS: &str = r#"
name = "faults"
operators = 4
signatures = "standin"

[clock]
heal_ms = 60_000
settle_ms = 600_000

[jobs]
count = 12
first_ms = 3_000
every_ms = 3_000

[providers]
honest = 4
wrong = 2
silent = 1
split = 1

[network]
regions = ["a", "b", "c"]
latency_ms = [[2, 40, 90], [40, 2, 60], [90, 60, 2]]
jitter_ms = 20
loss_permille = 50
duplicate_permille = 20
reorder_permille = 50
reorder_ms = 500
random_partitions = { every_ms = 20_000, lasting_ms = 5_000, operators = 2 }

[chain]
block_ms = 1_000
finality_blocks = 2
random = { reorg_permille = 50, reorg_depth = 2, fee_spike_permille = 20, fee_spike_ms = 5_000, fee_percent = 900, outage_permille = 50, outage_ms = 5_000 }

[disks]
lose_unsynced_permille = 500
sync_ms = 5

[crashes]
random = { every_ms = 5_000, down_ms = 3_000, at_once = 2 }
"#;

fn faults() -> Scenario {
    Scenario::parse(FAULTS).unwrap()
}

/// Every job is concluded as its provider deserves, on the hub, and all members agree.
fn assert_settled(world: &World<'_>, seed: u64) {
    let jobs = world.jobs();
    assert_eq!(jobs.len(), world.scenario().jobs.count as usize, "seed {seed}");
    for (id, job) in jobs {
        let outcome = world.outcomes().get(id);
        let verdict = outcome.map(|outcome| outcome.judgement.verdict);
        let fitting: &[Verdict] = match job.behaviour {
            Behaviour::Honest => &[Verdict::Valid, Verdict::Missed, Verdict::Inconclusive],
            Behaviour::Wrong => &[Verdict::Invalid, Verdict::Missed, Verdict::Inconclusive],
            Behaviour::Silent => &[Verdict::Missed],
            // Which of two answers comes first, and whether the other comes in time, is luck.
            Behaviour::Split | Behaviour::Late => {
                &[Verdict::Valid, Verdict::Invalid, Verdict::Missed, Verdict::Inconclusive]
            }
        };
        let fits = verdict.is_some_and(|verdict| fitting.contains(&verdict));
        assert!(fits, "seed {seed}: job {} of {:?}: {verdict:?}", job.index, job.behaviour);
        let (verdict, code) = world.chain().hub().outcomes[&job.index];
        let judgement = outcome.unwrap().judgement;
        assert_eq!((verdict, code), (judgement.verdict.to_u8(), judgement.code), "seed {seed}");
    }
    let digests: Vec<_> = world.operators().map(|operator| operator.ledger().digest()).collect();
    assert_eq!(digests.len(), world.members().len(), "seed {seed}: all run");
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "seed {seed}: {digests:?}");
}

#[test]
fn world_with_every_fault_of_its_surroundings_settles_after_the_heal() {
    for seed in 1..=6 {
        let mut world = World::new(&faults(), seed, Vec::new());
        world.run();
        assert_settled(&world, seed);
        let valid =
            world.outcomes().values().filter(|it| it.judgement.verdict == Verdict::Valid).count();
        assert!(valid > 0, "seed {seed}: {:?}", world.outcomes());
    }
}

#[test]
fn world_same_seed_same_digest_and_another_seed_another() {
    let run = |seed| {
        let mut world = World::new(&faults(), seed, Vec::new());
        world.run();
        (world.digest(), world.tracer().records())
    };
    assert_eq!(run(11), run(11));
    assert_ne!(run(11).0, run(12).0);
}

#[test]
fn world_with_real_signatures_settles() {
    let mut scenario = faults();
    scenario.signatures = Signatures::Real;
    scenario.jobs.count = 4;
    scenario.clock.heal_ms = 20_000;
    let mut world = World::new(&scenario, 5, Vec::new());
    world.run();
    assert_settled(&world, 5);
}

#[test]
fn world_faults_are_counted() {
    let mut faults = FaultCounts::default();
    for seed in 1..=3 {
        let mut world = World::new(&self::faults(), seed, Vec::new());
        world.run();
        faults.merge(world.tracer().faults());
    }
    for class in [
        FaultClass::Loss,
        FaultClass::Duplicate,
        FaultClass::Reorder,
        FaultClass::Partition,
        FaultClass::Crash,
        FaultClass::LostWrite,
        FaultClass::Outage,
        FaultClass::Reorg,
    ] {
        assert!(faults.of(class) > 0, "{class:?}: {faults:?}");
    }
}

/// The calm scenario with one operator that is this adversary.
fn with_adversary(kind: AdversaryKind) -> Scenario {
    let targets = if kind.takes_targets() { "targets = [1]\n" } else { "" };
    let text = format!(
        "name = \"one\"\noperators = 4\nsignatures = \"standin\"\n\
         clock = {{ heal_ms = 1000, settle_ms = 600000 }}\n\
         [jobs]\ncount = 8\nfirst_ms = 3000\nevery_ms = 1500\n\
         [providers]\nhonest = 3\nwrong = 1\n\
         [[adversary]]\nkind = \"{}\"\noperators = [2]\n{targets}",
        kind.name()
    );
    Scenario::parse(&text).unwrap()
}

/// With one of four dishonest, every job concludes truly.
#[test]
fn world_with_one_adversary_of_each_kind_concludes_truly() {
    for kind in AdversaryKind::ALL {
        for seed in 1..=2 {
            let mut world = World::new(&with_adversary(kind), seed, Vec::new());
            world.run();
            let name = kind.name();
            assert_eq!(world.outcomes().len(), 8, "{name}, seed {seed}: {:?}", world.warnings());
            for (id, job) in world.jobs() {
                let verdict = world.outcomes()[id].judgement.verdict;
                let truth = match job.behaviour {
                    Behaviour::Honest => Verdict::Valid,
                    _ => Verdict::Invalid,
                };
                assert_eq!(verdict, truth, "{name}, seed {seed}, job {}", job.index);
            }
            assert!(
                world.tracer().faults().of(FaultClass::Adversary(kind)) > 0,
                "{name}, seed {seed}: it never acted"
            );
        }
    }
}

/// More than f liars make false outcomes: the world can show what must not be.
#[test]
fn world_with_a_quorum_of_liars_concludes_falsely() {
    let mut scenario = with_adversary(AdversaryKind::LieVerdicts);
    for adversary in &mut scenario.adversaries {
        adversary.operators = vec![0, 1, 2];
    }
    let mut world = World::new(&scenario, 1, Vec::new());
    world.run();
    let mut outcomes = world.jobs().iter().map(|(id, job)| (job, &world.outcomes()[id]));
    assert!(outcomes.any(|(job, outcome)| {
        job.behaviour == Behaviour::Honest && outcome.judgement.verdict == Verdict::Invalid
    }));
}

/// Every fault and a dishonest operator at once: no invariant breaks.
#[test]
fn world_with_mixed_faults_breaks_no_invariant() {
    for (seed, kind) in (1..).zip(AdversaryKind::ALL) {
        let mut scenario = faults();
        scenario.adversaries = with_adversary(kind).adversaries;
        scenario.providers.late = 1;
        let mut checkers = Checkers::new(&scenario, Stop::AtFirst);
        World::new(&scenario, seed, vec![&mut checkers]).run();
        assert_eq!(checkers.violations(), [], "{}, seed {seed}", kind.name());
    }
}
