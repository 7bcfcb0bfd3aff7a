//! The nodes' timelines, read from their logs as they grow.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::PathBuf,
};

use alloy_primitives::B256;
use assay_cli::devnet::Devnet;
use eyre::{Context as _, Result, eyre};
use oracle_node::timeline::TARGET;
use serde::Deserialize;

/// One line of a node's log.
#[derive(Deserialize)]
struct Line {
    timestamp: String,
    target: String,
    fields: Fields,
}

#[derive(Deserialize)]
struct Fields {
    message: String,
    job: Option<B256>,
    height: Option<String>,
    bundles: Option<usize>,
}

/// When something happened at a node, and at which height of the ledger if that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) us: u64,
    pub(crate) height: u64,
}

/// What one node told.
#[derive(Default)]
pub(crate) struct Node {
    log: PathBuf,
    offset: u64,
    rest: Vec<u8>,
    /// By step, then job.
    jobs: BTreeMap<String, BTreeMap<B256, At>>,
    /// By step, then height.
    heights: BTreeMap<String, BTreeMap<u64, u64>>,
    /// Bundles of each decided block.
    pub(crate) bundles: BTreeMap<u64, usize>,
}

impl Node {
    fn read(&mut self) -> Result<()> {
        let context = || format!("{}", self.log.display());
        let mut file = File::open(&self.log).wrap_err_with(context)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let read = file.read_to_end(&mut self.rest)?;
        self.offset += u64::try_from(read)?;
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.take(line)?;
        }
        Ok(())
    }

    fn take(&mut self, line: &[u8]) -> Result<()> {
        let text = || String::from_utf8_lossy(line).into_owned();
        let Ok(Line { timestamp, target, fields }) = serde_json::from_slice(line) else {
            // A line of something that logs otherwise, or a warning without our fields.
            return Ok(());
        };
        if target != TARGET {
            eprintln!("{}: {}", self.log.display(), text());
            return Ok(());
        }
        let us = micros(&timestamp).ok_or_else(|| eyre!("no time: {}", text()))?;
        let height = fields.height.map(|height| height.parse::<u64>()).transpose()?;
        if let Some(job) = fields.job {
            let at = At { us, height: height.unwrap_or_default() };
            self.jobs.entry(fields.message).or_default().entry(job).or_insert(at);
        } else if let Some(height) = height {
            if let Some(bundles) = fields.bundles {
                self.bundles.insert(height, bundles);
            }
            self.heights.entry(fields.message).or_default().entry(height).or_insert(us);
        }
        Ok(())
    }
}

/// All nodes.
pub(crate) struct Timelines {
    pub(crate) nodes: Vec<Node>,
}

impl Timelines {
    pub(crate) fn of(devnet: &Devnet) -> Self {
        let logs = devnet.summary().operators.into_iter().map(|operator| operator.log);
        Self { nodes: logs.map(|log| Node { log, ..Node::default() }).collect() }
    }

    /// Reads what the nodes have logged since.
    pub(crate) fn read(&mut self) -> Result<()> {
        self.nodes.iter_mut().try_for_each(Node::read)
    }

    /// When each node that did came to this step of a job, the earliest first.
    pub(crate) fn job(&self, step: &str, job: B256) -> Vec<At> {
        let nodes = self.nodes.iter();
        let mut all: Vec<At> = nodes.filter_map(|node| node.job(step, job)).collect();
        all.sort_unstable();
        all
    }

    /// When the first node came to this step of a height.
    pub(crate) fn height(&self, step: &str, height: u64) -> Option<u64> {
        self.nodes.iter().filter_map(|node| node.heights.get(step)?.get(&height).copied()).min()
    }

    /// The last height that any node had decided by then.
    pub(crate) fn decided_by(&self, us: u64) -> u64 {
        let heights = self.nodes.iter().filter_map(|node| node.heights.get("decided"));
        heights.flatten().filter(|(_, at)| **at <= us).map(|(height, _)| *height).max().unwrap_or(0)
    }

    /// Jobs that some node came to a step of, and when the first did.
    pub(crate) fn jobs(&self, step: &str) -> BTreeMap<B256, At> {
        let mut first = BTreeMap::new();
        for (job, at) in self.nodes.iter().filter_map(|node| node.jobs.get(step)).flatten() {
            let known = first.entry(*job).or_insert(*at);
            *known = (*known).min(*at);
        }
        first
    }

    /// Heights whose attestation some node has, and since when.
    pub(crate) fn attested(&self) -> BTreeMap<u64, u64> {
        let signed = |node: &Node| node.heights.get("attestation signed").cloned();
        let heights: BTreeSet<u64> =
            self.nodes.iter().filter_map(signed).flat_map(BTreeMap::into_keys).collect();
        let first = |height| Some((height, self.height("attestation signed", height)?));
        heights.into_iter().filter_map(first).collect()
    }
}

impl Node {
    /// When this node came to a step of a job.
    pub(crate) fn job(&self, step: &str, job: B256) -> Option<At> {
        self.jobs.get(step)?.get(&job).copied()
    }
}

/// Unix microseconds of `2026-11-24T14:36:23.123456Z`.
fn micros(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (clock, fraction) = time.split_once('.')?;
    let mut clock = clock.splitn(3, ':').map(str::parse::<i64>);
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    // Days since 1970 in the proleptic Gregorian calendar, years beginning in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    let fraction: u64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some(u64::try_from(seconds).ok()? * 1_000_000 + fraction)
}
