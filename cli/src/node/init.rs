use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use aggregator::Policy;
use bindings::deploy::Deployment;
use chain::Finality;
use clap::Args;
use eyre::{Result, bail};
use oracle_node::config::{Api, Chain, Keys, Network, NodeConfig, STALL_AFTER_MS, Submitter};
use protocol::genesis::Genesis;

use crate::{files, keys::KeyFolder};

const EXAMPLES: &str = "\
Exit codes:
  0  the config file was written
  1  it was not; the reason is on standard error

Examples:
  assay operator keygen --dir keys
  assay node init --genesis genesis.json --deployment deployment.json \\
      --rpc http://127.0.0.1:8545 --keys keys --out node.toml
  assay node run --config node.toml";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The ledger's genesis file
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// Where the contracts are, as `assay devnet` writes it
    #[arg(long, value_name = "FILE")]
    deployment: PathBuf,
    /// Your own endpoint of the chain; repeat it for more, in order of preference
    #[arg(long, value_name = "URL", required = true)]
    rpc: Vec<String>,
    /// Folder of your keys, as `assay operator keygen` makes it
    #[arg(long, value_name = "DIR", default_value = "keys")]
    keys: PathBuf,
    /// The password file; `password` in the key folder if this is left out
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Folder of the store, the write-ahead log and share files
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Where other operators reach this node
    #[arg(long, value_name = "MULTIADDR", default_value = "/ip4/0.0.0.0/tcp/26656")]
    listen: String,
    /// Where the API listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8600")]
    api: SocketAddr,
    /// Take a block as final when this many are built on it, instead of by the `finalized` tag
    #[arg(long, value_name = "BLOCKS")]
    finality_depth: Option<u64>,
    /// The config file to write
    #[arg(long, value_name = "FILE", default_value = "node.toml")]
    out: PathBuf,
}

/// What a config file is made of.
pub(crate) struct Node<'a> {
    pub(crate) data: PathBuf,
    pub(crate) genesis: PathBuf,
    pub(crate) keys: &'a KeyFolder,
    pub(crate) password_file: PathBuf,
    pub(crate) light_kdf: bool,
    pub(crate) listen: String,
    pub(crate) api: SocketAddr,
    pub(crate) deployment: Deployment,
    pub(crate) rpc_urls: Vec<String>,
    pub(crate) finality: Finality,
    pub(crate) poll_interval_ms: u64,
    pub(crate) policy: Policy,
}

/// The config of a node.
pub(crate) fn config_of(node: Node<'_>) -> NodeConfig {
    NodeConfig {
        data_dir: node.data,
        genesis: node.genesis,
        keys: Keys {
            operator: node.keys.operator(),
            consensus: node.keys.consensus(),
            network: node.keys.network(),
            password_file: node.password_file,
            light_kdf: node.light_kdf,
        },
        network: Network { listen: node.listen, max_idle_ms: 30_000 },
        api: Api { listen: node.api },
        chains: vec![Chain {
            chain_id: node.deployment.chain_id,
            hub: node.deployment.hub,
            verifier_registry: node.deployment.verifier_registry,
            rpc_urls: node.rpc_urls,
            finality: node.finality,
            poll_interval_ms: node.poll_interval_ms,
            stall_after_ms: STALL_AFTER_MS,
        }],
        submitter: Submitter { enabled: true, policy: node.policy },
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let genesis: Genesis = files::read_json(&arguments.genesis)?;
    genesis.validate()?;
    let deployment: Deployment = files::read_json(&arguments.deployment)?;
    let in_genesis = |hub: &&protocol::genesis::Hub| {
        (hub.chain_id, hub.hub) == (deployment.chain_id, deployment.hub)
    };
    if genesis.hubs.iter().find(in_genesis).is_none() {
        bail!(
            "{} does not name hub {} on chain {} of {}; they are of different networks",
            arguments.genesis.display(),
            deployment.hub,
            deployment.chain_id,
            arguments.deployment.display()
        );
    }
    let keys = KeyFolder::new(absolute(&arguments.keys)?);
    let public = keys.read_public()?;
    let Some(index) = genesis.index_of(public.operator) else {
        bail!(
            "operator {} of {} is no member of {}; ask for a genesis that names it",
            public.operator,
            arguments.keys.display(),
            arguments.genesis.display()
        );
    };
    let password_file = match &arguments.password_file {
        Some(path) => absolute(path)?,
        None => keys.password(),
    };
    let config = config_of(Node {
        data: absolute(&arguments.data)?,
        genesis: absolute(&arguments.genesis)?,
        keys: &keys,
        password_file,
        light_kdf: false,
        listen: arguments.listen.clone(),
        api: arguments.api,
        deployment,
        rpc_urls: arguments.rpc.clone(),
        finality: arguments.finality_depth.map_or(Finality::Finalized, Finality::Depth),
        poll_interval_ms: 4_000,
        policy: Policy::default(),
    });
    let text = toml::to_string_pretty(&config)?;
    // What the node would refuse at its start is refused now.
    NodeConfig::parse(&text)?;
    files::write_new(&arguments.out, &text, 0o600)?;
    println!(
        "{} is for member {} of ledger {}",
        arguments.out.display(),
        index.0,
        genesis.ledger_id()
    );
    println!("next: assay node run --config {}", arguments.out.display());
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    Ok(std::path::absolute(path)?)
}
