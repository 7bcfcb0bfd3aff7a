//! Scenario files: what is read, and how nonsense is refused.

use assay_simulations::scenario::{
    AdversaryKind, Behaviour, Providers, Scenario, ScenarioError, Signatures,
};

const FULL: &str = r#"
name = "full"
about = "Something of everything."
operators = 7
seed = 9
signatures = "standin"

[clock]
heal_ms = 120_000
settle_ms = 300_000

[jobs]
count = 6
first_ms = 3_000
every_ms = 1_500
jitter_ms = 200
burst = 2
windows = { answer_ms = 4_000, commit_ms = 2_000, reveal_ms = 2_000, ceremony_ms = 20_000 }

[providers]
honest = 6
wrong = 2
silent = 1
split = 1

[network]
regions = ["eu", "us"]
latency_ms = [[2, 40], [40, 3]]
jitter_ms = 8
loss_permille = 20
duplicate_permille = 5
reorder_permille = 10
reorder_ms = 300
random_partitions = { every_ms = 20_000, lasting_ms = 8_000, operators = 2 }

[[network.partition]]
operators = [0, 1]
from_ms = 10_000
until_ms = 20_000

[[network.one_way]]
from = [2]
to = [3, 4]
from_ms = 5_000
until_ms = 9_000

[chain]
finality_blocks = 3
reorg = [{ at_ms = 8_000, depth = 2 }]
outage = [{ operators = [5], from_ms = 1_000, until_ms = 40_000 }]
random = { reorg_permille = 10, reorg_depth = 2 }

[disks]
lose_unsynced_permille = 500

[crashes]
random = { every_ms = 9_000, down_ms = 3_000, at_once = 2 }
at = [{ operator = 6, at_ms = 12_345, down_ms = 100 }]

[[adversary]]
kind = "lie-verdicts"
operators = [6]

[[adversary]]
kind = "eclipse"
operators = [5]
targets = [0]
percent = 50
"#;

fn problem(text: &str) -> String {
    Scenario::parse(text).unwrap_err().to_string()
}

#[test]
fn scenario_of_everything_is_read_and_written_back() {
    let scenario = Scenario::parse(FULL).unwrap();
    assert_eq!(scenario.signatures, Signatures::Standin);
    assert_eq!(scenario.network.latency_ms(0, 1), 40);
    assert_eq!(scenario.network.latency_ms(5, 3), 3);
    assert_eq!(scenario.adversaries[1].kind, AdversaryKind::Eclipse);
    assert_eq!(scenario.dishonest(), 2);
    assert!(scenario.is_honest(4) && !scenario.is_honest(5));
    assert_eq!(Scenario::parse(&scenario.to_toml().unwrap()).unwrap(), scenario);
}

#[test]
fn scenario_with_only_a_head_is_calm() {
    let scenario = Scenario::parse("name = \"calm\"\noperators = 4").unwrap();
    assert_eq!(scenario.network.loss_permille, 0);
    assert_eq!(scenario.signatures, Signatures::Real);
    assert!(scenario.crashes.random.is_none() && scenario.adversaries.is_empty());
    assert_eq!(Scenario::parse(&scenario.to_toml().unwrap()).unwrap(), scenario);
}

#[test]
fn scenario_with_unknown_key_is_refused_by_name() {
    let unknown = problem("name = \"a\"\noperators = 4\n[network]\nlos_permille = 3");
    assert!(unknown.contains("los_permille") && unknown.contains("loss_permille"), "{unknown}");
    let unknown =
        problem("name = \"a\"\noperators = 4\n[[adversary]]\nkind = \"nice\"\noperators = [1]");
    assert!(unknown.contains("nice") && unknown.contains("lie-verdicts"), "{unknown}");
}

#[test]
fn scenario_with_floats_is_refused() {
    let float = problem("name = \"a\"\noperators = 4\n[network]\nloss_permille = 0.5");
    assert!(float.contains("floating point"), "{float}");
}

/// Each value that makes no sense, and what its error says.
#[test]
fn scenario_with_nonsense_says_which_key_and_why() {
    let cases = [
        ("operators = 3", "operators: is 3, the least is 4"),
        ("operators = 101", "operators: is 101, the most is 100"),
        ("operators = 4\nmust_break = [\"LIVE\"]", "must_break: \"LIVE\" is no id"),
        ("operators = 4\n[clock]\nsettle_ms = 0", "clock.settle_ms: is 0"),
        ("operators = 4\n[jobs]\ncount = 400", "jobs: the last request comes at"),
        ("operators = 4\n[jobs]\nburst = 0", "jobs.burst: is 0"),
        ("operators = 4\n[jobs]\nwindows = { answer_ms = 0 }", "jobs.windows.answer_ms: is 0"),
        ("operators = 4\n[providers]\nhonest = 0", "providers: all weights are 0"),
        ("operators = 4\n[network]\nloss_permille = 1001", "network.loss_permille: is 1001"),
        ("operators = 4\n[network]\nregions = [\"a\", \"b\"]", "must have 2 rows of 2 numbers"),
        ("operators = 4\n[network]\nreorder_permille = 5", "network.reorder_ms: is 0"),
        (
            "operators = 4\n[[network.partition]]\noperators = [4]\nfrom_ms = 1\nuntil_ms = 2",
            "network.partition.operators: there is no operator 4: they are 0 to 3",
        ),
        (
            "operators = 4\n[[network.partition]]\noperators = [1]\nfrom_ms = 2\nuntil_ms = 2",
            "from_ms 2 is not before until_ms 2",
        ),
        (
            "operators = 4\n[chain]\noutage = [{ operators = [], from_ms = 1, until_ms = 2 }]",
            "chain.outage.operators: names nobody",
        ),
        ("operators = 4\n[chain]\nreorg = [{ at_ms = 1, depth = 0 }]", "chain.reorg.depth: is 0"),
        (
            "operators = 4\n[crashes]\nrandom = { every_ms = 0, down_ms = 1, at_once = 1 }",
            "crashes.random.every_ms: is 0",
        ),
        (
            "operators = 4\n[[adversary]]\nkind = \"copy\"\noperators = [1, 1]",
            "names operator 1 twice",
        ),
        (
            "operators = 4\n[[adversary]]\nkind = \"copy\"\noperators = [1]\ntargets = [2]",
            "acts against everybody",
        ),
        (
            "operators = 4\n[[adversary]]\nkind = \"copy\"\noperators = [1, 2]",
            "2 of 4 operators are dishonest, a committee of that size bears 1",
        ),
    ];
    for (rest, expected) in cases {
        let said = problem(&format!("name = \"a\"\n{rest}"));
        assert!(said.contains(expected), "{rest}: {said}");
    }
    assert!(problem("name = \"A b\"\noperators = 4").contains("lower-case letters"));
}

#[test]
fn scenario_error_of_value_names_its_key() {
    let error = Scenario::parse("name = \"a\"\noperators = 2").unwrap_err();
    assert!(matches!(error, ScenarioError::Value { key, .. } if key == "operators"));
}

#[test]
fn providers_are_drawn_by_weight() {
    let providers = Providers { honest: 2, wrong: 1, silent: 0, split: 1, ..Providers::default() };
    let drawn: Vec<Behaviour> = (0..5).map(|draw| providers.pick(draw)).collect();
    use Behaviour::{Honest, Split, Wrong};
    assert_eq!(drawn, [Honest, Honest, Wrong, Split, Honest]);
}
