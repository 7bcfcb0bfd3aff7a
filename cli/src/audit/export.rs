use std::{
    fs::Permissions,
    io::BufWriter,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, Bytes};
use audit::{Conclusion, Exporter, Summary, keys_needed};
use clap::Args;
use eyre::{Context as _, Result, bail, eyre};
use oracle_node::api::Block;
use protocol::genesis::Genesis;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::progress::Progress;
use crate::{client::NodeClient, files};

/// Blocks that are asked for at once.
const PAGE_BLOCKS: u64 = 200;

const EXAMPLES: &str = "\
Exit codes:
  0  the file is complete
  1  it is not; nothing was written

Examples:
  assay audit export --out ledger.ndjson
  assay audit export --node http://127.0.0.1:8600 --node http://127.0.0.1:8610 --out ledger.ndjson";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A node's API; further ones are asked for what the first has no more
    #[arg(long, value_name = "URL", env = "ASSAY_NODE", default_value = "http://127.0.0.1:8600")]
    node: Vec<String>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The last height to export; the node's latest if not given
    #[arg(long, value_name = "HEIGHT")]
    to: Option<u64>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Exported {
    file: PathBuf,
    #[serde(flatten)]
    summary: Summary,
    /// Statements, keys and responses that no node has.
    missing: Vec<String>,
}

#[derive(Deserialize)]
struct Response {
    body: Bytes,
}

pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { node, out, to, force, json } = arguments;
    if !force && out.exists() {
        bail!("{} is there already; give another file, or --force to replace it", out.display());
    }
    let nodes = node.iter().map(|url| NodeClient::new(url)).collect::<Result<Vec<_>>>()?;
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = tempfile::Builder::new()
        .prefix(".assay-audit-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)
        .wrap_err_with(|| format!("folder {}", folder.display()))?;
    let mut source = Source { nodes, missing: Vec::new() };
    let (file, summary) = source.export(file, to).await?;
    file.as_file().sync_all().wrap_err("output")?;
    let kept = if force { file.persist(&out) } else { file.persist_noclobber(&out) };
    kept.wrap_err_with(|| format!("{}", out.display()))?;
    let exported = Exported { file: out, summary, missing: source.missing };
    if json {
        print!("{}", files::json(&exported)?);
    } else {
        print(&exported);
    }
    Ok(())
}

fn print(exported: &Exported) {
    let Exported { file, summary, missing } = exported;
    println!("file          {}", file.display());
    println!("ledger        {}", summary.ledger_id);
    println!("height        {}", summary.height);
    println!("state digest  {}", summary.state_digest);
    println!("records       {} ({} bytes)", summary.records, summary.bytes);
    println!("keccak256     {}", summary.keccak256);
    for what in missing {
        eprintln!("warning: {what}");
    }
    if !missing.is_empty() {
        eprintln!("the file is exported without these; another --node may have them");
    }
}

/// The nodes that are asked.
struct Source {
    nodes: Vec<NodeClient>,
    missing: Vec<String>,
}

impl Source {
    fn first(&self) -> Result<&NodeClient> {
        self.nodes.first().ok_or_else(|| eyre!("no node is given"))
    }

    async fn export(
        &mut self,
        file: NamedTempFile,
        to: Option<u64>,
    ) -> Result<(NamedTempFile, Summary)> {
        let node = self.first()?.clone();
        let genesis: Genesis = node.required("/v1/genesis").await?;
        let tip = node.status().await?.height;
        let to = to.unwrap_or(tip);
        if to > tip {
            bail!("node {} is at height {tip}, {to} was asked for", node.base());
        }
        let mut exporter = Exporter::new(BufWriter::new(file), genesis)?;
        let mut progress = Progress::new("export");
        while exporter.height() < to {
            let from = exporter.height().saturating_add(1);
            let limit = PAGE_BLOCKS.min(to.saturating_sub(exporter.height()));
            let path = format!("/v1/blocks?from={from}&limit={limit}");
            let blocks: Vec<Block> = node.required(&path).await?;
            if blocks.is_empty() {
                bail!("node {} has no block {from}", node.base());
            }
            for block in blocks {
                self.block(&mut exporter, &block).await?;
                progress.tell(exporter.height(), to, "blocks");
            }
        }
        let (output, summary) = exporter.finish()?;
        let file = output.into_inner().map_err(|error| eyre!("output: {}", error.error()))?;
        Ok((file, summary))
    }

    async fn block<W: std::io::Write>(
        &mut self,
        exporter: &mut Exporter<W>,
        block: &Block,
    ) -> Result<()> {
        let expected = exporter.height().saturating_add(1);
        if block.height != expected {
            bail!("the node gave block {} for block {expected}", block.height);
        }
        let bytes = |what: &str, hex: &str| -> Result<Bytes> {
            hex.parse().wrap_err_with(|| format!("{what} of block {expected} is not hex"))
        };
        let body = bytes("body", &block.body)?;
        let certificate = bytes("certificate", &block.certificate)?;
        for conclusion in exporter.block(body, certificate)? {
            self.materials(exporter, &conclusion).await?;
        }
        Ok(())
    }

    /// Writes what a conclusion rests on, as far as some node has it.
    async fn materials<W: std::io::Write>(
        &mut self,
        exporter: &mut Exporter<W>,
        conclusion: &Conclusion,
    ) -> Result<()> {
        let job = conclusion.outcome.job.0;
        let hash = conclusion.descriptor.statement_hash;
        if let Some(statement) = self.stored(job, "statement", hash).await? {
            exporter.statement(job, statement.clone())?;
            if conclusion.response_hash().is_some() {
                for id in keys_needed(conclusion.descriptor.kind, &statement) {
                    if let Some(key) = self.stored(job, "verifying key", id).await? {
                        exporter.key(job, key)?;
                    }
                }
            }
        }
        if let Some(hash) = conclusion.response_hash() {
            let path = format!("/v1/responses/{hash}?job={job}");
            match self.find::<Response>(&path).await? {
                Some(response) => exporter.response(job, response.body)?,
                None => self.lacks(job, "response", hash),
            }
        }
        Ok(())
    }

    async fn stored(&mut self, job: B256, what: &str, hash: B256) -> Result<Option<Bytes>> {
        let found = self.find::<Bytes>(&format!("/v1/statements/{hash}")).await?;
        if found.is_none() {
            self.lacks(job, what, hash);
        }
        Ok(found)
    }

    fn lacks(&mut self, job: B256, what: &str, hash: B256) {
        self.missing.push(format!("no node has the {what} {hash} of job {job}"));
    }

    async fn find<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        for node in &self.nodes {
            if let Some(found) = node.optional(path).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
