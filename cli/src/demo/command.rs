use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use eyre::Result;
use protocol::outcome::Verdict;

use super::{
    audit::audit,
    job::{Case, Disturbance, run_job},
    report::Report,
};
use crate::{
    devnet::{Behaviour, Devnet, Options, Progress},
    files, runtime,
};

/// How long operators may take to come to one height.
const AGREEMENT_LIMIT: Duration = Duration::from_secs(60);

const HONEST: &str = "provider";
const CHEATING: &str = "cheating";
const ABSENT: &str = "absent";

/// The jobs, in order.
const CASES: [Case; 4] = [
    Case {
        title: "a proof for the challenge",
        provider: HONEST,
        verdict: Verdict::Valid,
        disturbance: Disturbance::None,
    },
    Case {
        title: "a proof for other inputs",
        provider: CHEATING,
        verdict: Verdict::Invalid,
        disturbance: Disturbance::None,
    },
    Case {
        title: "a provider that never answers",
        provider: ABSENT,
        verdict: Verdict::Missed,
        disturbance: Disturbance::None,
    },
    Case {
        title: "an operator killed meanwhile",
        provider: HONEST,
        verdict: Verdict::Valid,
        disturbance: Disturbance::KillOperator(3),
    },
];

const EXAMPLES: &str = "\
A devnet of four operators settles a job with a good proof, one with a proof for other inputs, one
whose provider never answers, and one during which an operator is killed. Then the ledger is
exported and audited. Nothing is left running.

Exit codes:
  0  each part ended as it must
  1  one did not; the table says which, and the devnet's folder is kept
  130  interrupted

Examples:
  assay demo
  assay demo --json report.json";

/// Arguments of `assay demo`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Also write the table as JSON; `-` for standard output, instead of the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where keys, configs, data and logs go, and stay; a temporary folder if this is left out
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Delete the devnet that is in DIR
    #[arg(long, requires = "dir")]
    replace: bool,
    /// The first of 9 ports; free ones if this is left out
    #[arg(long, value_name = "PORT")]
    base_port: Option<u16>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let options = Options {
        dir: arguments.dir.clone(),
        replace: arguments.replace,
        base_port: arguments.base_port,
        providers: vec![
            (HONEST.into(), Behaviour::Honest),
            (CHEATING.into(), Behaviour::OtherChallenge),
            (ABSENT.into(), Behaviour::Silent),
        ],
        ..Options::of_this_binary()?
    };
    let progress = Progress::shown();
    let stop = runtime::interrupted();
    tokio::pin!(stop);
    let mut devnet = tokio::select! {
        devnet = Devnet::start(options, &progress) => devnet?,
        () = &mut stop => return Ok(interrupted()),
    };
    let mut report = Report::default();
    let shown = tokio::select! {
        shown = show(&mut devnet, &mut report, &progress) => shown,
        () = &mut stop => {
            devnet.stop().await?;
            return Ok(interrupted());
        }
    };
    report.error = shown.err().map(|error| format!("{error:#}"));
    report.seconds = progress.seconds();
    report.judge(CASES.len());
    progress.step("stopping");
    if report.ok {
        devnet.stop().await?;
    } else {
        let kept = devnet.stop_and_keep().await?;
        eprintln!("the devnet's folder, with logs, is kept: {}", kept.display());
    }
    write(&arguments, &report)?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn show(devnet: &mut Devnet, report: &mut Report, progress: &Progress) -> Result<()> {
    for case in &CASES {
        report.jobs.push(run_job(devnet, case, progress).await?);
    }
    progress.step("waiting until every operator is at one height");
    let state = devnet.agreed_state(AGREEMENT_LIMIT).await?;
    report.state = Some(state);
    progress.step(format_args!("every operator is at height {} with state {}", state.0, state.1));
    let audited = audit(devnet, 0, &[], state.0).await?.state_digest;
    report.audited = Some(audited);
    progress.step(format_args!("the audit of the exported ledger derives {audited}"));
    Ok(())
}

fn interrupted() -> ExitCode {
    eprintln!("interrupted; nothing is left running");
    ExitCode::from(130)
}

fn write(arguments: &Arguments, report: &Report) -> Result<()> {
    match &arguments.json {
        Some(path) if path.as_os_str() == "-" => {
            print!("{}", files::json(report)?);
            return Ok(());
        }
        Some(path) => std::fs::write(path, files::json(report)?)
            .map_err(|error| eyre::eyre!("{}: {error}", path.display()))?,
        None => {}
    }
    println!("\n{report}");
    Ok(())
}
