//! How fast worlds run: simulated seconds a real second, by committee size and signatures.
//!
//! `cargo bench -p assay-simulations`; a size after `--` runs that size alone.

use std::time::Instant;

use assay_simulations::{
    World,
    scenario::{Ceremony, Scenario, Signatures},
    world::Prepared,
};

/// Committee sizes, jobs, and seeds of each.
const SIZES: [(u16, u32, u64); 4] = [(4, 20, 20), (7, 20, 10), (31, 20, 2), (100, 4, 1)];

fn scenario(operators: u16, jobs: u32, signatures: Signatures) -> Scenario {
    let text = format!(
        "name = \"speed\"\noperators = {operators}\nclock = {{ heal_ms = 60000, settle_ms = 600000 }}\n\
         [jobs]\ncount = {jobs}\nfirst_ms = 5000\nevery_ms = 2000\n\
         [providers]\nhonest = 8\nwrong = 1\nsilent = 1\n\
         [network]\nregions = [\"a\", \"b\"]\nlatency_ms = [[5, 40], [40, 5]]\njitter_ms = 10\n\
         loss_permille = 10\n\
         [crashes]\nrandom = {{ every_ms = 10000, down_ms = 3000, at_once = 1 }}\n"
    );
    let mut scenario = Scenario::parse(&text).expect("a valid scenario");
    scenario.signatures = signatures;
    scenario
}

/// Runs seeds of a scenario and prints what they cost.
fn row(scenario: &Scenario, prepared: Option<&Prepared>, seeds: u64) {
    let (mut simulated_ms, mut heights, mut concluded) = (0, 0, 0);
    let began = Instant::now();
    for seed in 1..=seeds {
        let mut world = match prepared {
            Some(prepared) => World::from(prepared, scenario, seed, Vec::new()),
            None => World::new(scenario, seed, Vec::new()),
        };
        world.run();
        simulated_ms += world.now_ms();
        heights += world.blocks().len();
        concluded += world.outcomes().len();
    }
    let real = began.elapsed().as_secs_f64();
    let simulated = simulated_ms as f64 / 1000.0;
    println!(
        "{:>3}  {:<10}  {:<8}  {seeds:>5}  {concluded:>4}  {simulated:>11.1}  {heights:>7}  {real:>6.2}  \
         {:>14.1}  {:>6.3}",
        scenario.operators,
        format!("{:?}", scenario.signatures).to_lowercase(),
        format!("{:?}", scenario.ceremony).to_lowercase(),
        simulated / real,
        real / seeds as f64,
    );
}

fn main() {
    let only: Option<u16> = std::env::args().filter_map(|word| word.parse().ok()).next();
    println!(
        "  n  signatures  ceremony  seeds  jobs  simulated s  heights  real s  simulated/real  s/seed"
    );
    for (operators, jobs, seeds) in SIZES {
        // A ceremony of a hundred takes minutes: that size is run when it is asked for.
        if only.map_or(operators == 100, |only| only != operators) {
            continue;
        }
        let mut scenario = scenario(operators, jobs, Signatures::Standin);
        if operators <= 7 {
            row(&scenario, None, seeds);
        }
        scenario.ceremony = Ceremony::Done;
        row(&scenario, Some(&Prepared::after(&scenario)), seeds);
        scenario.signatures = Signatures::Real;
        row(&scenario, Some(&Prepared::after(&scenario)), seeds.div_ceil(10));
    }
}
