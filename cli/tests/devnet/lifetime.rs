//! Whatever ends a devnet, nothing of it is left running.

use std::{
    io::Read as _,
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use assay_cli::devnet::Summary;
use rustix::process::{Pid, Signal, kill_process};

/// How long processes may take to notice that their parent is gone.
const ENDED_LIMIT: Duration = Duration::from_secs(20);

/// A devnet command that has told where it listens.
struct Running {
    child: Child,
    summary: Summary,
}

fn start() -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["devnet", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let summary = serde_json::Deserializer::from_reader(stdout.take(1 << 20))
        .into_iter::<Summary>()
        .next()
        .expect("the devnet says where it listens")
        .unwrap();
    Running { child, summary }
}

impl Running {
    fn addresses(&self) -> Vec<SocketAddr> {
        let urls = self.summary.operators.iter().map(|operator| operator.api.as_str());
        urls.chain([self.summary.rpc_url.as_str()])
            .map(|url| url.strip_prefix("http://").unwrap().parse().unwrap())
            .collect()
    }
}

fn listening(addresses: &[SocketAddr]) -> usize {
    addresses.iter().filter(|address| TcpStream::connect(address).is_ok()).count()
}

fn expect_all_ended(addresses: &[SocketAddr]) {
    let started = Instant::now();
    while listening(addresses) > 0 {
        assert!(started.elapsed() < ENDED_LIMIT, "{} processes are left", listening(addresses));
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn devnets_beside_each_other_leave_nothing_whether_killed_or_stopped() {
    let mut killed = start();
    let mut stopped = start();
    let (first, second) = (killed.addresses(), stopped.addresses());
    assert_eq!((listening(&first), listening(&second)), (first.len(), second.len()));

    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    expect_all_ended(&first);
    assert_eq!(listening(&second), second.len(), "the other devnet goes on");

    let pid = Pid::from_child(&stopped.child);
    kill_process(pid, Signal::TERM).unwrap();
    let status = stopped.child.wait().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(listening(&second), 0);
    assert!(!stopped.summary.dir.exists(), "a temporary folder is deleted");
    // A killed devnet could not delete its own.
    std::fs::remove_dir_all(&killed.summary.dir).unwrap();
}
