//! A campaign of `kill -9`: four operators, a chain, and jobs all the time, while one operator
//! after the other, two at once, and all together are killed in chosen phases of a job and started
//! again. No job may be lost, none attested twice, and no operator may contradict itself, in
//! anything that it sent or that others heard.
//!
//! `cargo xtask test --long` runs it whole: 100 jobs and more than 50 kills. Without
//! `ASSAY_TEST_LONG` it is small; nextest leaves it out then. `ASSAY_KILLS_SEED` repeats the choices
//! of a run.
//!
//! Shows INV-JOB-ONCE, INV-LIVE, INV-DIGEST and INV-RESTART on real processes.

mod campaign;
mod check;
mod jobs;
mod log;
mod plan;
mod record;

use std::{collections::BTreeMap, path::Path, time::Duration};

use assay_cli::devnet::{Devnet, Options, Progress};
use eyre::{Context as _, Result};
use protocol::genesis::Parameters;
use tokio::sync::mpsc;

use crate::{
    campaign::{Campaign, Kill, Watched},
    jobs::{Jobs, PROVIDERS},
    log::Log,
    plan::{Company, Phase, Size},
    record::Record,
};

const SEED_ENV: &str = "ASSAY_KILLS_SEED";
/// The campaign of the long tier.
const FULL: Size = Size { jobs: 100, kills_per_phase: 10, kills_of_all: 2 };
/// One that takes two minutes.
const SMALL: Size = Size { jobs: 10, kills_per_phase: 1, kills_of_all: 1 };
/// The least kills that count in each phase, of the whole campaign.
const LEAST_PER_PHASE: usize = 8;
/// Lines of processes that wait to be read.
const LINES_MAX: usize = 10_000;
/// How long operators may take to come to one height at the end.
const AGREEMENT_LIMIT: Duration = Duration::from_secs(120);

/// Warnings that must come when processes die all the time. Any other, and every error, is a problem.
const EXPECTED_WARNINGS: [(&str, &str); 7] = [
    ("operator gone", "another operator was killed"),
    ("no member may fail any more", "another operator was killed"),
    ("this node's vote is in none of the last blocks", "it catches up after it was killed"),
    ("group key not confirmed yet transaction # reverted", "others' confirmations came first"),
    ("no body in time, not proposing", "a busy machine held it up; another one proposes"),
    ("TakingOver", "a transaction of its former life is replaced"),
    ("NonceTaken", "a transaction of its former life was mined"),
];

fn options(watcher: mpsc::Sender<assay_cli::devnet::Told>) -> Options {
    let options = Options::new(env!("CARGO_BIN_EXE_assay").into());
    Options {
        // Wide, so that provers on a busy machine are in time, and nobody misses an answer because
        // operators were down.
        parameters: Parameters {
            answer_ms: 75_000,
            commit_ms: 12_000,
            reveal_ms: 12_000,
            ..options.parameters
        },
        providers: PROVIDERS.map(|(name, behaviour, _)| (name.into(), behaviour)).into(),
        log: format!("{},statements=debug,assay_oracle_node::core=debug", options.log),
        watcher: Some(watcher),
        ..options
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn campaign_of_kills_loses_no_job_and_nobody_contradicts_itself() {
    let size = if std::env::var_os("ASSAY_TEST_LONG").is_some() { FULL } else { SMALL };
    let seed = match std::env::var(SEED_ENV) {
        Ok(seed) => seed.parse().expect("a seed is a number"),
        Err(_) => rand::random::<u32>().into(),
    };
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kills.log");
    let mut log = Log::create(&path).unwrap();
    log.line(format_args!(
        "kill campaign, seed {seed}: {} jobs, {} kills in each of {} phases, {} of all operators\n\
         repeat: {SEED_ENV}={seed} cargo xtask test --long\n",
        size.jobs,
        size.kills_per_phase,
        Phase::ALL.len(),
        size.kills_of_all
    ));
    let problems = start_and_run(seed, size, &mut log).await.unwrap();
    assert_eq!(problems, Vec::<String>::new(), "the log is {}", path.display());
}

async fn start_and_run(seed: u64, size: Size, log: &mut Log) -> Result<Vec<String>> {
    let (watcher, told) = mpsc::channel(LINES_MAX);
    let options = options(watcher);
    let names = (0..options.nodes).map(|number| format!("node-{number}")).collect();
    let watched = Watched::listen(names, told);
    let mut devnet = Devnet::start(options, &Progress::shown()).await?;
    log.step("the network is up");
    let problems = run(&mut devnet, watched.clone(), seed, size, log).await;
    watched.record().nodes.iter_mut().for_each(|node| node.to_end += 1);
    match &problems {
        Ok(problems) if problems.is_empty() => devnet.stop().await?,
        Ok(_) | Err(_) => {
            let kept = devnet.stop_and_keep().await?;
            eprintln!("the devnet's folder, with logs, is kept: {}", kept.display());
        }
    }
    problems
}

async fn run(
    devnet: &mut Devnet,
    watched: Watched,
    seed: u64,
    size: Size,
    log: &mut Log,
) -> Result<Vec<String>> {
    let jobs = Jobs::default();
    let mut campaign = Campaign { devnet, watched: watched.clone(), jobs: jobs.clone(), log };
    let kills = campaign.run(seed, size).await.wrap_err("campaign")?;
    let (height, digest) = devnet.agreed_state(AGREEMENT_LIMIT).await?;
    log.step(format_args!("all operators are at height {height} with state {digest}"));

    let mut problems = jobs::settle(devnet, &jobs).await.wrap_err("settling")?;
    log.step(format_args!("escrow settled: {}", jobs.told()));
    let indices: Vec<u64> = jobs.all().iter().map(|job| job.placed.job_index).collect();
    log.line("");
    let chain = check::attested_once(devnet, &indices).await.wrap_err("submissions")?;
    let ledgers = check::ledgers(devnet, height, digest, indices.len()).await?;
    for findings in [chain, ledgers] {
        findings.facts.iter().for_each(|fact| log.line(fact));
        problems.extend(findings.problems);
    }
    let record = watched.record();
    problems.extend(record.failures.clone());
    problems.extend(record.contradictions());
    tell_statements(&record, log);
    problems.extend(tell_complaints(&record, log));
    problems.extend(tell_kills(&kills, size, log));
    tell_times(&kills, &jobs, log);
    log.line(match problems.as_slice() {
        [] => format!("\nas it must be, after {:.0} s; seed {seed}", log.seconds()),
        problems => format!("\nNOT as it must be; seed {seed}:\n{}", problems.join("\n")),
    });
    Ok(problems)
}

fn tell_statements(record: &Record, log: &mut Log) {
    let told = record.counts.iter().map(|(kind, (sent, heard))| format!("{kind} {sent}/{heard}"));
    let told: Vec<String> = told.collect();
    log.line(format_args!(
        "statements, sent/heard: {}\n{} places were filled, {} of them with different things",
        told.join(", "),
        record.slots(),
        record.contradictions().len()
    ));
}

/// Tells what processes complained of, and gives what they must not have.
fn tell_complaints(record: &Record, log: &mut Log) -> Vec<String> {
    let mut problems = Vec::new();
    for ((level, text), times) in &record.complaints {
        let expected = EXPECTED_WARNINGS.iter().find(|(word, _)| text.contains(word));
        match expected.filter(|_| level == "WARN") {
            Some((_, why)) => log.line(format_args!("{level} {times:>4} times: {text} ({why})")),
            None => {
                log.line(format_args!("{level} {times:>4} times: {text} (NOT EXPECTED)"));
                problems.push(format!("{times} times {level}: {text}"));
            }
        }
    }
    problems
}

/// Tells the kills that count, by phase, and gives what is missing.
fn tell_kills(kills: &[Kill], size: Size, log: &mut Log) -> Vec<String> {
    let mut problems = Vec::new();
    let of_all = |kill: &&Kill| kill.strike.company == Company::All;
    let counted: Vec<&Kill> = kills.iter().filter(|kill| !kill.late && !of_all(kill)).collect();
    log.line("\nphase    kills  never sent  sent  with another  too late");
    for phase in Phase::ALL {
        let of_phase = counted.iter().filter(|kill| kill.strike.phase == phase);
        let count = of_phase.clone().count();
        let sent = of_phase.clone().filter(|kill| kill.sent).count();
        let pairs = of_phase.filter(|kill| matches!(kill.strike.company, Company::With(_))).count();
        let late = kills.iter().filter(|kill| kill.late && kill.strike.phase == phase).count();
        log.line(format_args!(
            "{phase:<7}  {count:>5}  {:>10}  {sent:>4}  {pairs:>12}  {late:>8}",
            count - sent
        ));
        if count < LEAST_PER_PHASE.min(size.kills_per_phase) {
            problems.push(format!("only {count} kills in phase {phase}"));
        }
    }
    let together = kills.iter().filter(of_all).count();
    let processes: usize = kills.iter().map(|kill| kill.strike.killed(kill.victim, 4).len()).sum();
    log.line(format_args!(
        "{} kills that count, all four together {together} times beside; {processes} processes \
         were killed",
        counted.len()
    ));
    if counted.len() < Phase::ALL.len() * size.kills_per_phase {
        problems.push(format!("only {} kills count", counted.len()));
    }
    if together == 0 {
        problems.push("all four together were never killed".into());
    }
    problems
}

fn tell_times(kills: &[Kill], jobs: &Jobs, log: &mut Log) {
    let mut tell = |what: &str, mut times: Vec<Duration>| {
        times.sort_unstable();
        let at = |permille: usize| {
            let place = times.len().saturating_sub(1) * permille / 1000;
            times.get(place).map_or(0.0, Duration::as_secs_f64)
        };
        log.line(format_args!(
            "{what}: median {:.2} s, 9 of 10 within {:.2} s, longest {:.2} s",
            at(500),
            at(900),
            at(1000)
        ));
    };
    // What is planned into a restart is no recovery.
    let up = kills.iter().map(|kill| kill.up.saturating_sub(kill.strike.pause));
    tell("from kill to node started, without the planned pause", up.collect());
    let back = kills.iter().map(|kill| kill.back.saturating_sub(kill.strike.pause));
    tell("from kill to its next vote, without the planned pause", back.collect());
    let mut by_verdict: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for (verdict, after, _) in jobs.all().iter().filter_map(|job| job.recorded) {
        by_verdict.entry(format!("{verdict:?}")).or_default().push(after);
    }
    for (verdict, times) in by_verdict {
        let what = format!("{} jobs {verdict}, from request to recorded", times.len());
        tell(&what, times);
    }
}
