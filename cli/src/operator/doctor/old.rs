use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_primitives::U256;
use bindings::{
    AttestationHub,
    rpc::{BlockId, Limits, Rpc},
};
use chain::Finality;
use clap::Args;
use eyre::{Result, eyre};
use oracle_node::config::{Chain, NodeConfig};
use protocol::genesis::Genesis;
use serde::Serialize;

use super::stake::Standing;
use crate::{
    client::NodeClient,
    files,
    keys::{self, PublicKeys},
};

/// A head older than this, in seconds, is a sign of a wrong clock or a stalled endpoint.
const HEAD_AGE_MAX_S: u64 = 60;
/// A head newer than the clock by more than this, in seconds, is a sign of a wrong clock.
const HEAD_AHEAD_MAX_S: u64 = 2;

const EXAMPLES: &str = "\
Checks config, genesis, keys, folder, ports, each RPC endpoint, the clock against the chain's head,
registration, balance, and, if the node runs, its peers. It changes nothing but a file that it
writes into the data folder and deletes. It can't see whether others reach your port, nor whether
your disk keeps what it acknowledged.

Exit codes:
  0  no check failed; read the warnings
  1  a check failed

Examples:
  assay operator doctor --config node.toml
  assay operator doctor --json | jq '.[] | select(.result != \"ok\")'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The node's config file
    #[arg(long, value_name = "FILE", env = "ASSAY_NODE_CONFIG", default_value = "node.toml")]
    config: PathBuf,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    Warning,
    Failed,
    Skipped,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
struct Check {
    check: String,
    result: Outcome,
    detail: String,
}

/// All checks so far.
#[derive(Default)]
struct Report(Vec<Check>);

impl Report {
    fn add(&mut self, check: impl Into<String>, result: Outcome, detail: impl fmt::Display) {
        self.0.push(Check { check: check.into(), result, detail: detail.to_string() });
    }

    /// Adds a check that failed if there is an error, and gives the value otherwise.
    fn value<T>(&mut self, check: &str, result: Result<T>, good: fn(&T) -> String) -> Option<T> {
        match result {
            Ok(value) => {
                let detail = good(&value);
                self.add(check, Outcome::Ok, detail);
                Some(value)
            }
            Err(error) => {
                self.add(check, Outcome::Failed, format_args!("{error:#}"));
                None
            }
        }
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let mut report = Report::default();
    let config = NodeConfig::load(&arguments.config).map_err(eyre::Report::from);
    if let Some(config) = report.value("config", config, |_| "reads".into()) {
        examine(&mut report, &config).await;
    }
    let failed = report.0.iter().any(|check| check.result == Outcome::Failed);
    if arguments.json {
        print!("{}", files::json(&report.0)?);
    } else {
        for check in &report.0 {
            let word = match check.result {
                Outcome::Ok => "ok",
                Outcome::Warning => "WARNING",
                Outcome::Failed => "FAILED",
                Outcome::Skipped => "skipped",
            };
            println!("{word:<8} {:<22} {}", check.check, check.detail);
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn examine(report: &mut Report, config: &NodeConfig) {
    let genesis = files::read_json::<Genesis>(&config.genesis).and_then(|genesis| {
        genesis.validate()?;
        Ok(genesis)
    });
    let genesis = report.value("genesis", genesis, |genesis| {
        format!("ledger {}, {} members", genesis.ledger_id(), genesis.members.len())
    });
    let public =
        report.value("keys", open_keys(config), |keys| format!("operator {}", keys.operator));
    if let (Some(genesis), Some(public)) = (&genesis, &public) {
        membership(report, genesis, public);
    }
    match write_and_delete(&config.data_dir) {
        Ok(()) => report.add("data folder", Outcome::Ok, "can be written"),
        Err(error) => report.add(
            "data folder",
            Outcome::Failed,
            format_args!("{}: {error}", config.data_dir.display()),
        ),
    }
    node(report, config, public.as_ref()).await;
    for chain in &config.chains {
        for (index, url) in chain.rpc_urls.iter().enumerate() {
            endpoint(report, config, chain, index, url, public.as_ref()).await;
        }
    }
}

fn open_keys(config: &NodeConfig) -> Result<PublicKeys> {
    let keys = &config.keys;
    let password = keys::read_password(&keys.password_file)?;
    let operator = keys::read_signer(&keys.operator, &password)?;
    let consensus = keys::read_signer(&keys.consensus, &password)?;
    let network = keystore::eip2335::Keystore::read_secret(&keys.network, &password)?;
    let network = ed25519_dalek::SigningKey::from_bytes(network.expose());
    let point = consensus.credential().verifying_key().to_encoded_point(true);
    Ok(PublicKeys {
        operator: operator.address(),
        consensus_key: point.as_bytes().to_vec().into(),
        network_key: network.verifying_key().to_bytes().into(),
        encryption_key: Default::default(),
    })
}

fn membership(report: &mut Report, genesis: &Genesis, public: &PublicKeys) {
    let member = genesis.index_of(public.operator).and_then(|index| genesis.member(index));
    let (result, detail) = match member {
        None => (Outcome::Failed, "this operator is not in the genesis".to_owned()),
        Some(member) if member.network_key != public.network_key.0 => {
            (Outcome::Failed, "the genesis has another network key for this operator".into())
        }
        Some(member) if member.consensus_key[..] != public.consensus_key[..] => {
            (Outcome::Failed, "the genesis has another consensus key for this operator".into())
        }
        Some(member) => (Outcome::Ok, format!("in the genesis at {}", member.addresses.join(", "))),
    };
    report.add("membership", result, detail);
}

fn write_and_delete(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::write(file.path(), [0; 4096])?;
    file.as_file().sync_all()
}

/// The running node, or the ports that it will need.
async fn node(report: &mut Report, config: &NodeConfig, public: Option<&PublicKeys>) {
    let client = NodeClient::new(&format!("http://{}", reachable(config.api.listen)));
    let status = match client {
        Ok(client) => client.status().await,
        Err(error) => Err(error),
    };
    let Ok(status) = status else {
        report.add("node", Outcome::Skipped, "not running, so peers and share can't be seen");
        port_is_free(report, "api port", config.api.listen);
        match multiaddr_port(&config.network.listen) {
            Some(address) => port_is_free(report, "network port", address),
            None => report.add(
                "network port",
                Outcome::Skipped,
                format_args!("no /ip4|ip6/…/tcp/… address: {}", config.network.listen),
            ),
        }
        return;
    };
    if public.is_some_and(|public| public.operator != status.operator) {
        let detail = format!("{} is taken by the node of {}", config.api.listen, status.operator);
        report.add("node", Outcome::Failed, detail);
        return;
    }
    report.add("node", Outcome::Ok, format_args!("runs, at height {}", status.height));
    let others = u64::from(status.members).saturating_sub(1);
    let quorum = protocol::ids::Quorums::of(usize::from(status.members)).q as u64;
    let peers = format!("{} of {others} connected", status.peers);
    let result = match status.peers {
        peers if peers >= others => Outcome::Ok,
        peers if peers + 1 >= quorum => Outcome::Warning,
        _ => Outcome::Failed,
    };
    report.add("peers", result, peers);
    match (status.group_key, status.has_share) {
        (_, true) => report.add("share", Outcome::Ok, "held"),
        (None, false) => report.add("share", Outcome::Warning, "the ceremony has not ended"),
        (Some(_), false) => {
            report.add("share", Outcome::Warning, "none: this node attests nothing this epoch");
        }
    }
}

/// Where a listening address is reached from this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn port_is_free(report: &mut Report, check: &str, address: SocketAddr) {
    match std::net::TcpListener::bind(address) {
        Ok(_) => report.add(check, Outcome::Ok, format_args!("{address} is free")),
        Err(error) => report.add(check, Outcome::Failed, format_args!("{address}: {error}")),
    }
}

/// The address in `/ip4/…/tcp/…` or `/ip6/…/tcp/…`.
fn multiaddr_port(text: &str) -> Option<SocketAddr> {
    let mut words = text.strip_prefix('/')?.split('/');
    let ip = match words.next()? {
        "ip4" | "ip6" => words.next()?.parse().ok()?,
        _ => return None,
    };
    let port = if words.next()? == "tcp" { words.next()?.parse().ok()? } else { return None };
    Some(SocketAddr::new(ip, port))
}

async fn endpoint(
    report: &mut Report,
    config: &NodeConfig,
    chain: &Chain,
    index: usize,
    url: &str,
    public: Option<&PublicKeys>,
) {
    let name = format!("chain {} rpc {index}", chain.chain_id);
    let rpc = match Rpc::new(url, index, Limits::default()) {
        Ok(rpc) => rpc,
        Err(error) => return report.add(name, Outcome::Failed, error),
    };
    match rpc.chain_id().await {
        Ok(found) if found == chain.chain_id => report.add(&name, Outcome::Ok, "answers"),
        Ok(found) => return report.add(name, Outcome::Failed, format_args!("is of chain {found}")),
        Err(error) => return report.add(name, Outcome::Failed, error),
    }
    report_result(report, format!("{name} clock"), clock(&rpc).await);
    report_result(report, format!("{name} finality"), finality(&rpc, chain).await);
    let hub = hub(&rpc, chain).await;
    let registry = hub.as_ref().ok().map(|(registry, _)| *registry);
    report_result(report, format!("{name} hub"), hub.map(|(_, detail)| (Outcome::Ok, detail)));
    if let (Some(registry), Some(public)) = (registry, public) {
        let standing = registered(&rpc, registry, public).await;
        report_result(report, format!("{name} registration"), standing);
        let balance = balance(&rpc, config, public).await;
        report_result(report, format!("{name} balance"), balance);
    }
}

fn report_result(report: &mut Report, check: String, result: Result<(Outcome, String)>) {
    match result {
        Ok((outcome, detail)) => report.add(check, outcome, detail),
        Err(error) => report.add(check, Outcome::Failed, format_args!("{error:#}")),
    }
}

async fn clock(rpc: &Rpc) -> Result<(Outcome, String)> {
    let head = rpc.header(BlockId::Latest).await?.ok_or_else(|| eyre!("there is no head"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(match (now.checked_sub(head.time), head.time.checked_sub(now)) {
        (_, Some(ahead)) if ahead > HEAD_AHEAD_MAX_S => {
            (Outcome::Failed, format!("the head is {ahead} s in the future: set your clock"))
        }
        (Some(age), _) if age > HEAD_AGE_MAX_S => (
            Outcome::Warning,
            format!("the head is {age} s old: the endpoint stalls, or your clock is ahead"),
        ),
        (age, _) => (Outcome::Ok, format!("the head is {} s old", age.unwrap_or(0))),
    })
}

async fn finality(rpc: &Rpc, chain: &Chain) -> Result<(Outcome, String)> {
    match chain.finality {
        Finality::Finalized => match rpc.header(BlockId::Finalized).await? {
            Some(header) => Ok((Outcome::Ok, format!("final up to block {}", header.number))),
            None => Err(eyre!("no finalized block; set chains.finality to a depth")),
        },
        Finality::Depth(depth) => Ok((
            Outcome::Warning,
            format!("by depth {depth}: safe only where no deeper re-organisation can happen"),
        )),
    }
}

async fn hub(rpc: &Rpc, chain: &Chain) -> Result<(alloy_primitives::Address, String)> {
    if rpc.code(chain.hub).await?.is_empty() {
        return Err(eyre!("there is no contract at {}", chain.hub));
    }
    let registry = rpc.call(chain.hub, &AttestationHub::registryCall {}).await?;
    let key = rpc.call(chain.hub, &AttestationHub::groupKeyCall {}).await?;
    let key = if key.is_empty() { "has no group key yet" } else { "has the group key" };
    Ok((registry, format!("{} {key}", chain.hub)))
}

async fn registered(
    rpc: &Rpc,
    registry: alloy_primitives::Address,
    public: &PublicKeys,
) -> Result<(Outcome, String)> {
    Ok(match Standing::read(rpc, registry, public.operator).await? {
        None => (Outcome::Failed, "not registered; use `assay operator register`".into()),
        Some(standing) if standing.network_key != public.network_key => {
            (Outcome::Failed, "registered with another network key".into())
        }
        Some(standing) if standing.jailed => (Outcome::Failed, "jailed".into()),
        Some(standing) if standing.leaving => {
            (Outcome::Warning, format!("{}, leaving", standing.status))
        }
        Some(standing) => (Outcome::Ok, format!("{}, stake {}", standing.status, standing.stake)),
    })
}

async fn balance(rpc: &Rpc, config: &NodeConfig, public: &PublicKeys) -> Result<(Outcome, String)> {
    let balance = rpc.balance(public.operator).await?;
    let low = U256::from(config.submitter.policy.balance_low_wei);
    Ok(if balance.is_zero() {
        (Outcome::Failed, format!("{} has nothing to pay gas with", public.operator))
    } else if balance < low {
        (Outcome::Warning, format!("{balance} wei, below the mark of {low}"))
    } else {
        (Outcome::Ok, format!("{balance} wei"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiaddr_with_ip_and_tcp_gives_its_address() {
        let address = multiaddr_port("/ip4/0.0.0.0/tcp/26656").unwrap();
        assert_eq!(address.to_string(), "0.0.0.0:26656");
        assert_eq!(multiaddr_port("/ip6/::1/tcp/1").unwrap().to_string(), "[::1]:1");
    }

    #[test]
    fn multiaddr_of_another_kind_gives_none() {
        for text in ["", "/dns4/host/tcp/1", "/ip4/0.0.0.0/udp/1/quic-v1", "0.0.0.0:1"] {
            assert_eq!(multiaddr_port(text), None, "{text}");
        }
    }
}
