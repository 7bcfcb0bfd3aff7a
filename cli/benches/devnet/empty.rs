//! The yardstick: a committee of processes with the node's host, and an application whose blocks
//! are empty, which keeps each durably as a node does, and always wants the next.

use std::{path::PathBuf, process::Stdio, time::Duration};

use alloy_primitives::{Address, B256};
use clap::Args;
use consensus::ConsensusKey;
use ed25519_dalek::SigningKey;
use eyre::{Context as _, Result, bail, eyre};
use host::{Event, HostConfig, Limits, PeerKey, Timeouts, Validator};
use protocol::ids::Height;
use store::{Batch, Identity, Store};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{machine::now_us, numbers::ms_between};

/// Heights before the first that is timed.
const WARM_UP: usize = 30;
/// Longest time for the whole run.
const PATIENCE: Duration = Duration::from_secs(300);
/// The committee's ledger.
const LEDGER: [u8; 32] = [9; 32];

/// Which operator a child process is.
#[derive(Args)]
pub(crate) struct ChildArguments {
    /// Its place
    #[arg(long)]
    index: u8,
    /// Operators
    #[arg(long)]
    nodes: u8,
    /// Heights until it tells when each was decided
    #[arg(long)]
    heights: usize,
    /// Its folder
    #[arg(long)]
    dir: PathBuf,
}

fn network_key(index: u8) -> SigningKey {
    SigningKey::from_bytes(&[index + 101; 32])
}

fn consensus_seed(index: u8) -> [u8; 32] {
    [index + 1; 32]
}

fn validator(index: u8) -> Result<Validator> {
    Ok(Validator {
        consensus_key: ConsensusKey::from_bytes(&consensus_seed(index))?.public_key().to_bytes(),
        network_key: network_key(index).verifying_key().to_bytes(),
        addresses: Vec::new(),
    })
}

/// One operator: tells its address, hears everybody's, decides blocks until its standard input
/// ends, and tells when the first ones were decided.
pub(crate) async fn run_child(arguments: ChildArguments) -> Result<()> {
    let ChildArguments { index, nodes, heights, dir } = arguments;
    let config = HostConfig {
        ledger_id: LEDGER,
        network_key: network_key(index).to_bytes(),
        consensus_key: consensus_seed(index),
        validators: (0..nodes).map(validator).collect::<Result<_>>()?,
        listen: "/ip4/127.0.0.1/tcp/0".into(),
        wal_dir: dir.join("wal"),
        start_height: 1,
        max_idle: Duration::from_secs(30),
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        allow_missing_wal: false,
    };
    let (host, mut events) = host::start(config).await?;
    let identity = Identity { ledger_id: B256::from(LEDGER), operator: Address::ZERO };
    let store = Store::open(&dir.join("node.redb"), identity, store::Options::default())?;
    println!("{}", host.address());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let addresses = lines.next_line().await?.ok_or_else(|| eyre!("no addresses came"))?;
    let addresses: Vec<String> = serde_json::from_str(&addresses)?;
    for (other, address) in (0..nodes).zip(addresses).filter(|(other, _)| *other != index) {
        let peer = PeerKey(network_key(other).verifying_key().to_bytes());
        host.set_addresses(peer, &[address]).await?;
    }
    let mut decided = Vec::new();
    loop {
        let event = tokio::select! {
            event = events.recv() => event.ok_or_else(|| eyre!("the host has stopped"))?,
            _ = lines.next_line() => break,
        };
        match event {
            Event::Propose(ask) => {
                let _ = ask.reply.send(Vec::new());
            }
            Event::Validate(ask) => {
                let _ = ask.reply.send(ask.body.is_empty());
            }
            Event::Decided(block) => {
                decided.push(now_us());
                let mut batch = Batch::new();
                let height = Height(block.height);
                batch.block(height, block.body).certificate(height, block.certificate);
                store.append(batch).await?;
                host.wake(block.height + 1);
                let _ = block.reply.send(());
                if decided.len() == WARM_UP + heights {
                    println!("{}", serde_json::to_string(&decided)?);
                }
            }
            Event::PeerConnected(_) => host.wake(1),
            Event::Fatal(error) => return Err(error.into()),
            Event::StoredBlocks(_)
            | Event::EarliestHeight(_)
            | Event::Gossip(_)
            | Event::Request(_)
            | Event::PeerDisconnected(_) => {}
        }
    }
    host.stop().await;
    Ok(())
}

struct Running {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(index: u8, nodes: u8, heights: usize, dir: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&dir)?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["empty-node", "--index", &index.to_string(), "--nodes", &nodes.to_string()])
            .args(["--heights", &heights.to_string(), "--dir"])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else { bail!("a child without pipes") };
        Ok(Self { child, stdin, lines: BufReader::new(stdout).lines() })
    }

    async fn line(&mut self) -> Result<String> {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.wrap_err("a committee of empty blocks does not come on")??;
        line.ok_or_else(|| eyre!("an operator of a committee of empty blocks has ended"))
    }
}

/// Milliseconds from one decided block to the next, as the first operator sees them.
pub(crate) async fn heights_ms(nodes: u16, heights: usize) -> Result<Vec<f64>> {
    let nodes = u8::try_from(nodes)?;
    let folder = tempfile::tempdir()?;
    let mut all = Vec::new();
    for index in 0..nodes {
        let dir = folder.path().join(format!("node-{index}"));
        all.push(Running::start(index, nodes, heights, dir)?);
    }
    let mut addresses = Vec::new();
    for node in &mut all {
        addresses.push(node.line().await?);
    }
    let told = serde_json::to_string(&addresses)? + "\n";
    for node in &mut all {
        node.stdin.write_all(told.as_bytes()).await?;
        node.stdin.flush().await?;
    }
    let first = all.first_mut().ok_or_else(|| eyre!("a committee of nobody"))?;
    let decided: Vec<u64> = serde_json::from_str(&first.line().await?)?;
    for node in all {
        let Running { mut child, stdin, lines } = node;
        drop((stdin, lines));
        if timeout(Duration::from_secs(10), child.wait()).await.is_err() {
            child.kill().await?;
        }
    }
    let times = decided.windows(2).skip(WARM_UP).map(|pair| match pair {
        [before, after] => ms_between(*before, *after),
        _ => f64::NAN,
    });
    Ok(times.collect())
}
