//! What the operators' processors do: kernel and user time, and samples by component.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use eyre::{Context as _, Result, bail, eyre};
use serde::Serialize;
use tokio::process::{Child, Command};

/// Samples of a processor a second.
const FREQUENCY: &str = "199";
/// Ticks of `/proc` a second, `USER_HZ` on every Linux that there is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Components, by what is in the names of their functions; the first that fits takes a sample.
const COMPONENTS: [(&str, &[&str]); 12] = [
    ("Groth16 verification (arkworks)", &["ark_"]),
    ("threshold BLS (blst)", &["blst", "commonware", "_384", "mulx_mont", "mulq_mont"]),
    (
        "operators' and validators' signatures (k256)",
        &["k256", "elliptic_curve", "ecdsa", "crypto_bigint", "primeorder"],
    ),
    ("network identity and envelopes (ed25519)", &["curve25519", "ed25519", "sha512"]),
    ("hashes (Keccak, SHA-2, BLAKE)", &["keccak", "sha256", "sha2::", "blake"]),
    (
        "transport encryption (noise)",
        &["chacha", "poly1305", "snow::", "libp2p_noise", "ring_core"],
    ),
    (
        "network (libp2p, gossip, yamux)",
        &["libp2p", "gossipsub", "yamux", "multistream", "asynchronous_codec", "quick_protobuf"],
    ),
    ("consensus engine (Malachite)", &["malachite", "ractor"]),
    ("store (redb)", &["redb"]),
    ("ledger and operator", &["assay_protocol", "assay_operator", "assay_threshold", "borsh"]),
    (
        "chain, API, JSON (alloy, hyper, axum, serde)",
        &["alloy", "hyper", "axum", "serde_json", "reqwest", "h2::", "http::"],
    ),
    ("async runtime (tokio)", &["tokio", "futures", "mio::", "parking_lot"]),
];
const KERNEL_DISK: [&str; 12] = [
    "ext4",
    "jbd2",
    "blk_",
    "virtio",
    "vring",
    "submit_bio",
    "writeback",
    "folio",
    "filemap",
    "xfs",
    "btrfs",
    "overlay",
];
const KERNEL_NETWORK: [&str; 8] =
    ["tcp", "ip_", "sock", "skb", "inet", "loopback", "net_rx", "__napi"];

/// A share of all samples.
#[derive(Serialize)]
pub(crate) struct Share {
    component: String,
    percent: f64,
}

/// Seconds of processor time that a process has taken.
pub(crate) fn cpu_seconds(process: u32) -> Result<f64> {
    let path = format!("/proc/{process}/stat");
    let text = std::fs::read_to_string(&path).wrap_err_with(|| path.clone())?;
    // The name, in parentheses, may hold anything.
    let rest = text.rsplit_once(')').ok_or_else(|| eyre!("{path}: no name"))?.1;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system) = (fields.next(), fields.next());
    let ticks = |field: Option<&str>| {
        field.and_then(|it| it.parse::<f64>().ok()).ok_or_else(|| eyre!("{path}: no times"))
    };
    Ok((ticks(user)? + ticks(system)?) / TICKS_PER_SECOND)
}

/// Samples these processes for so many seconds. None if there is no `perf` that may.
pub(crate) fn start(processes: &[u32], seconds: u64, file: &Path) -> Option<Child> {
    let ids: Vec<String> = processes.iter().map(u32::to_string).collect();
    Command::new("perf")
        .args(["record", "--quiet", "--event", "cpu-clock", "--freq", FREQUENCY])
        .args(["--pid", &ids.join(","), "--output"])
        .arg(file)
        .args(["--", "sleep", &seconds.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()
}

/// What the samples say, the largest first.
pub(crate) async fn read(mut recording: Child, file: &Path) -> Result<Vec<Share>> {
    if !recording.wait().await?.success() {
        bail!("perf record failed; is kernel.perf_event_paranoid too strict?");
    }
    let report = Command::new("perf")
        .args(["report", "--stdio", "--no-children", "--sort", "symbol", "--fields"])
        .args(["overhead,symbol", "--percent-limit", "0", "--input"])
        .arg(file)
        .stderr(Stdio::null())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&report.stdout);
    let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((percent, symbol)) = line.trim().split_once('%') else { continue };
        let Ok(percent) = percent.trim().parse::<f64>() else { continue };
        *shares.entry(component(symbol.trim())).or_default() += percent;
    }
    let mut shares: Vec<Share> = shares
        .into_iter()
        .map(|(component, percent)| Share { component: component.into(), percent })
        .collect();
    shares.sort_by(|one, other| other.percent.total_cmp(&one.percent));
    Ok(shares)
}

/// `[k] name` is the kernel's, `[.] name` a process' own.
fn component(symbol: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| symbol.contains(word));
    if symbol.starts_with("[k]") {
        return match (has(&KERNEL_DISK), has(&KERNEL_NETWORK)) {
            (true, _) => "kernel: files and disk",
            (_, true) => "kernel: sockets",
            _ => "kernel: the rest (switches, wake-ups, copies, timers)",
        };
    }
    let known = COMPONENTS.iter().find(|(_, words)| has(words));
    known.map_or("the rest (allocation, copies, formatting)", |(component, _)| component)
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<54} {:>5.1} %", self.component, self.percent)
    }
}
