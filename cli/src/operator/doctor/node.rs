//! The running node, or the ports that it will need.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

use host::{PeerKey, ProbeError};
use oracle_node::{api::Committee, config::NodeConfig, resources, views::Status};
use protocol::ids::Quorums;

use super::{identity::Identity, report::Report};
use crate::client::NodeClient;

/// How long a dialed address may take to prove its key.
pub(super) const DIAL_PATIENCE: Duration = Duration::from_secs(4);
/// Files and sockets that a node should be allowed.
const OPEN_FILES_MIN: f64 = 4_096.0;
/// Memory that should be left, in bytes.
const MEMORY_MIN: u64 = 512 << 20;

/// What a running node says of itself.
pub(super) struct Running {
    pub(super) status: Status,
    pub(super) committee: Option<Committee>,
    metrics: String,
}

impl Running {
    /// A metric without labels.
    pub(super) fn metric(&self, name: &str) -> Option<f64> {
        let line = self.metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line?.split_whitespace().next()?.parse().ok()
    }
}

pub(super) async fn check(
    report: &mut Report,
    config: &NodeConfig,
    identity: &Identity,
) -> Option<Running> {
    let running = ask(config).await;
    match &running {
        None => free(report, "api port", config.api.listen),
        Some(running) => {
            let status = &running.status;
            let ours = identity.keys.as_ref().is_none_or(|keys| keys.operator == status.operator);
            if ours {
                let found = format!("{} is this operator's node", config.api.listen);
                report.ok("api port", found);
            } else {
                let found =
                    format!("{} is held by the node of {}", config.api.listen, status.operator);
                report.failed("api port", found, "give this node another port under api.listen");
                listening(report, config, identity, false).await;
                return None;
            }
        }
    }
    listening(report, config, identity, running.is_some()).await;
    match &running {
        None => report.skipped("node", "does not run; what only it knows is not checked"),
        Some(running) => progress(report, running),
    }
    reachable(report, identity, running.as_ref()).await;
    memory(report);
    running
}

async fn ask(config: &NodeConfig) -> Option<Running> {
    let client = NodeClient::new(&format!("http://{}", here(config.api.listen))).ok()?;
    let status = client.status().await.ok()?;
    let committee = client.required("/v1/committee").await.ok();
    let metrics = client.metrics().await.unwrap_or_default();
    Some(Running { status, committee, metrics })
}

/// Where a listening address is reached from this machine.
fn here(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn free(report: &mut Report, check: &str, address: SocketAddr) {
    match TcpListener::bind(address) {
        Ok(_) => report.ok(check, format_args!("{address} is free")),
        Err(error) => report.failed(
            check,
            format_args!("{address}: {error}, and it is not this operator's node"),
            "find the program with `ss -ltnp`, or choose another port",
        ),
    }
}

/// Whose the network port is.
async fn listening(report: &mut Report, config: &NodeConfig, identity: &Identity, runs: bool) {
    let check = "network port";
    let Some(address) = socket(&config.network.listen) else {
        let found = format!("no /ip4|ip6/…/tcp/… address: {}", config.network.listen);
        return report.failed(check, found, "set network.listen, such as /ip4/0.0.0.0/tcp/26656");
    };
    let local = here(address);
    let family = if local.is_ipv4() { "ip4" } else { "ip6" };
    let dialed = format!("/{family}/{}/tcp/{}", local.ip(), local.port());
    let own = identity.keys.as_ref().map(|keys| PeerKey(keys.network_key.0));
    match host::probe(&dialed, DIAL_PATIENCE).await {
        Ok(key) if Some(key) == own => {
            report.ok(check, format_args!("{address} answers with this operator's network key"));
        }
        Ok(key) => report.failed(
            check,
            format_args!("{address} answers with the network key of {}", name(identity, key)),
            "two nodes on one machine need two ports; give one another network.listen",
        ),
        Err(error) if runs => report.failed(
            check,
            format_args!("the node runs, and {address} does not answer: {error}"),
            "compare network.listen with the address in the node's log, and restart it",
        ),
        Err(_) => free(report, check, address),
    }
}

/// What a network key is known as.
pub(super) fn name(identity: &Identity, key: PeerKey) -> String {
    let members = identity.genesis.iter().flat_map(|genesis| &genesis.members);
    let operator = members.into_iter().find(|member| member.network_key == key.0);
    match operator {
        Some(member) => format!("operator {}", member.operator),
        None => format!("a stranger, 0x{}", alloy_primitives::hex::encode(key.0)),
    }
}

fn progress(report: &mut Report, running: &Running) {
    let status = &running.status;
    report.ok("node", format_args!("runs, at height {}", status.height));
    let quorums = Quorums::of(usize::from(status.members));
    let connected = status.peers.saturating_add(1);
    let found = format!("{connected} of {} connected, the quorum is {}", quorums.n, quorums.q);
    let next = "see the peers below: an address, a firewall, or the other's node";
    match connected {
        all if all >= quorums.n as u64 => report.ok("connections", found),
        enough if enough >= quorums.q as u64 => report.warning("connections", found, next),
        _ => report.failed("connections", found, next),
    }
    if let (Some(live), Some(margin)) =
        (running.metric("assay_live_members"), running.metric("assay_margin"))
    {
        let found = format!("{live} members live in the latest blocks, {margin} above the quorum");
        let next = "no member may fail any more: find out who is away, and tell them";
        report.warn_if("margin", found, (margin <= 0.0).then_some(next));
    }
    match (&status.group_key, status.has_share) {
        (_, true) => report.ok("share", "held"),
        (None, false) => report.warning(
            "share",
            "the key ceremony has not ended",
            "wait; if it lasts, a quorum of members is not there",
        ),
        (Some(_), false) => report.warning(
            "share",
            "none of the group key: this node attests nothing in this epoch",
            "restore the data folder's shares from a backup of this epoch, or wait for the next key",
        ),
    }
    if let Some(limit) = running.metric("assay_open_files_max") {
        let open = running.metric("assay_open_files").unwrap_or(0.0);
        let next = "raise LimitNOFILE in the unit, or ulimit -n";
        let low = limit < OPEN_FILES_MIN || open > limit * 0.8;
        report.warn_if("open files", format_args!("{open} of {limit}"), low.then_some(next));
    }
}

/// Whether others reach the addresses that they were told.
async fn reachable(report: &mut Report, identity: &Identity, running: Option<&Running>) {
    let check = "reachable";
    let Some(running) = running else {
        return report.skipped(check, "nothing listens while the node does not run");
    };
    let inbound = running.metric("assay_connections_inbound_total").unwrap_or(0.0);
    if inbound > 0.0 {
        return report.ok(check, format_args!("operators made {inbound} connections to this node"));
    }
    let own = identity.keys.as_ref().map(|keys| PeerKey(keys.network_key.0));
    let addresses = identity.addresses();
    for address in &addresses {
        if host::probe(address, DIAL_PATIENCE).await.ok() == own && own.is_some() {
            let found =
                format!("{address} leads here when dialed from here; no operator has dialed it");
            return report.ok(check, found);
        }
    }
    report.warning(
        check,
        format_args!(
            "no operator has dialed this node, and {} does not lead here",
            addresses.join(", ")
        ),
        "open the port in firewall and router, and compare the address in genesis and registry",
    );
}

fn memory(report: &mut Report) {
    let check = "memory";
    match resources::available_bytes() {
        None => report.skipped(check, "the system does not say"),
        Some(bytes) => report.warn_if(
            check,
            format_args!("{} MiB left on this machine", bytes >> 20),
            (bytes < MEMORY_MIN).then_some("stop what is not needed here, or add memory"),
        ),
    }
}

/// Why a dial did not lead to an operator, in words.
pub(super) fn why(error: &ProbeError) -> String {
    match error {
        ProbeError::Refused(reason) => format!("connection failed ({reason})"),
        other => other.to_string(),
    }
}

/// The address in `/ip4/…/tcp/…` or `/ip6/…/tcp/…`.
fn socket(text: &str) -> Option<SocketAddr> {
    let mut words = text.strip_prefix('/')?.split('/');
    let ip = match words.next()? {
        "ip4" | "ip6" => words.next()?.parse().ok()?,
        _ => return None,
    };
    let port = if words.next()? == "tcp" { words.next()?.parse().ok()? } else { return None };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiaddr_with_ip_and_tcp_gives_its_address() {
        let address = socket("/ip4/0.0.0.0/tcp/26656").unwrap();
        assert_eq!(address.to_string(), "0.0.0.0:26656");
        assert_eq!(socket("/ip6/::1/tcp/1").unwrap().to_string(), "[::1]:1");
    }

    #[test]
    fn multiaddr_of_another_kind_gives_none() {
        for text in ["", "/dns4/host/tcp/1", "/ip4/0.0.0.0/udp/1/quic-v1", "0.0.0.0:1"] {
            assert_eq!(socket(text), None, "{text}");
        }
    }
}
