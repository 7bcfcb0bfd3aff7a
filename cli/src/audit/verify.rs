use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
};

use alloy_primitives::Address;
use audit::{Materials, Observer, Options, Report};
use clap::Args;
use eyre::{Context as _, Result};
use protocol::ledger::Batch;
use serde::Serialize;

use super::{
    chain::{self, Collector},
    nodes::{self, Node},
    print,
    progress::Progress,
};
use crate::files;

const EXAMPLES: &str = "\
Exit codes:
  0  everything holds
  1  something does not; the report says which record, and what
  2  nothing could be checked: no such file, another format, no answer from a node or an endpoint

Examples:
  assay audit verify ledger.ndjson
  assay audit verify ledger.ndjson --node http://127.0.0.1:8600 --rpc http://127.0.0.1:8545
  assay audit verify ledger.ndjson --json | jq -r .state_digest";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The file that `assay audit export` wrote
    file: PathBuf,
    /// An endpoint of a chain: compare what its hubs recorded
    #[arg(long, value_name = "URL")]
    rpc: Option<String>,
    /// Compare this hub alone
    #[arg(long, value_name = "ADDRESS", requires = "rpc")]
    hub: Option<Address>,
    /// A node's API: compare its state digest; may be given several times
    #[arg(long, value_name = "URL")]
    node: Vec<String>,
    /// Count, and do not refuse, jobs whose statement, key or response is not in the file
    #[arg(long)]
    allow_missing_responses: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Audited {
    pub(super) file: PathBuf,
    /// Whether everything holds: the file, and what it was compared with.
    pub(super) ok: bool,
    #[serde(flatten)]
    pub(super) report: Report,
    pub(super) nodes: Vec<nodes::Compared>,
    pub(super) chain: Vec<chain::Compared>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let json = arguments.json;
    let audited = match audit(arguments).await {
        Ok(audited) => audited,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    if json {
        print!("{}", files::json(&audited)?);
    } else {
        print::report(&audited);
    }
    Ok(if audited.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn audit(arguments: Arguments) -> Result<Audited> {
    let Arguments { file, rpc, hub, node, allow_missing_responses, json: _ } = arguments;
    let mut asked = Vec::new();
    for url in &node {
        asked.push(Node::ask(url).await?);
    }
    let options = Options {
        materials: if allow_missing_responses { Materials::Optional } else { Materials::Required },
        watched: asked.iter().map(Node::height).collect(),
    };
    let path = file.clone();
    let derived = tokio::task::spawn_blocking(move || derive(&path, &options));
    let (report, collector) = derived.await.wrap_err("audit")??;
    let mut nodes = Vec::new();
    for node in &asked {
        nodes.push(node.compare(&report).await?);
    }
    let chain = match &rpc {
        Some(url) => chain::compare(url, hub, &report, &collector).await?,
        None => Vec::new(),
    };
    let ok = report.verified
        && nodes.iter().all(|node| node.equal)
        && chain.iter().all(|hub| hub.findings.is_empty());
    Ok(Audited { file, ok, report, nodes, chain })
}

/// Tells progress, and collects for the comparison with chains.
struct Watching {
    collector: Collector,
    progress: Progress,
    bytes: u64,
}

impl Observer for Watching {
    fn batch(&mut self, batch: &Batch) {
        self.collector.batch(batch);
    }

    fn progress(&mut self, bytes: u64, _height: u64) {
        self.progress.tell(bytes, self.bytes, "bytes");
    }
}

fn derive(path: &Path, options: &Options) -> Result<(Report, Collector)> {
    let open = || -> std::io::Result<(File, u64)> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok((file, bytes))
    };
    let named = || format!("{}", path.display());
    let (file, bytes) = open().wrap_err_with(named)?;
    let progress = Progress::new("audit");
    let mut watching = Watching { collector: Collector::default(), progress, bytes };
    let report =
        audit::verify(BufReader::new(file), options, &mut watching).wrap_err_with(named)?;
    Ok((report, watching.collector))
}
