//! `assay operator doctor` beside real nodes on a real chain: a healthy one, and each thing that
//! can be wrong.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use alloy_primitives::U256;
use assay_cli::devnet::{Devnet, Options, Progress};
use axum::{Router, http::header};
use bindings::{
    anvil::{Anvil, AnvilOptions, Mining, find_anvil},
    rpc::{Limits, Rpc},
};
use oracle_node::config::NodeConfig;
use serde::{Deserialize, de::IgnoredAny};
use tokio::process::{Child, Command};

/// How long nodes may take to see that one of them is gone, or is there again.
const NOTICE_LIMIT: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Deserialize)]
struct Finding {
    check: String,
    result: String,
    found: String,
    #[serde(default)]
    next: Option<String>,
}

/// What the doctor found, and its exit code.
#[derive(Debug)]
struct Visit {
    code: i32,
    findings: Vec<Finding>,
}

impl Visit {
    async fn to(config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(["operator", "doctor", "--json", "--config"]).arg(config);
        let output = command.env_remove("RUST_LOG").output().await.unwrap();
        let findings = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"));
        Self { code: output.status.code().unwrap(), findings }
    }

    fn of(&self, check: &str) -> &Finding {
        self.findings
            .iter()
            .find(|finding| finding.check == check)
            .unwrap_or_else(|| panic!("no check {check}: {self:#?}"))
    }

    /// Expects a check that went like this, said these words, and what to do unless all is well.
    fn expect(&self, check: &str, result: &str, words: &str) {
        let finding = self.of(check);
        assert_eq!(finding.result, result, "{finding:#?}");
        assert!(finding.found.contains(words), "{finding:#?}");
        let advises = ["warning", "failed"].contains(&result);
        assert_eq!(finding.next.is_some(), advises, "{finding:#?}");
        if result == "failed" {
            assert_eq!(self.code, 2, "{finding:#?}");
        }
    }

    fn with(&self, result: &str) -> Vec<&str> {
        let of = self.findings.iter().filter(|finding| finding.result == result);
        of.map(|finding| finding.check.as_str()).collect()
    }
}

/// One operator of a devnet, and changed copies of its config.
struct Patient {
    folder: PathBuf,
}

impl Patient {
    fn of(devnet: &Devnet, number: usize) -> Self {
        Self { folder: devnet.operators()[number].dir().to_owned() }
    }

    fn config(&self) -> PathBuf {
        self.folder.join("node.toml")
    }

    /// A visit with another config.
    async fn with(&self, change: impl FnOnce(&mut NodeConfig)) -> Visit {
        let mut config = NodeConfig::load(&self.config()).unwrap();
        change(&mut config);
        let path = self.folder.join("changed.toml");
        fs::write(&path, toml::to_string(&config).unwrap()).unwrap();
        Visit::to(&path).await
    }

    async fn visit(&self) -> Visit {
        Visit::to(&self.config()).await
    }
}

/// An endpoint in front of another, whose answers are dated this far away.
async fn dated(url: &str, ahead: Duration) -> String {
    let (url, client) = (url.to_owned(), reqwest::Client::new());
    let router = Router::new().fallback(move |body: String| {
        let request = client.post(&url).header("content-type", "application/json").body(body);
        async move {
            let answer = request.send().await.unwrap().text().await.unwrap();
            let date = httpdate::fmt_http_date(SystemTime::now() + ahead);
            ([(header::DATE, date)], answer)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

/// A chain before Prague that stands at a block of 2020.
async fn old_chain() -> (Child, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(find_anvil().unwrap());
    command.args(["--silent", "--no-mining", "--chain-id", "31337", "--hardfork", "cancun"]);
    command.args(["--timestamp", "1600000000", "--port", &port.to_string()]);
    let process = command.kill_on_drop(true).spawn().unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let rpc = Rpc::new(&url, 0, Limits::default()).unwrap();
    let answers = async {
        while rpc.chain_id().await.is_err() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(NOTICE_LIMIT, answers).await.unwrap();
    (process, url)
}

/// Waits until the node of `number` is connected to `peers` operators.
async fn wait_for_peers(devnet: &Devnet, number: usize, peers: u64) {
    let seen = async {
        loop {
            let status = devnet.operators()[number].client().status().await;
            if status.is_ok_and(|status| status.peers == peers) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(NOTICE_LIMIT, seen).await.unwrap();
}

async fn start() -> Devnet {
    let options = Options::new(env!("CARGO_BIN_EXE_assay").into());
    Devnet::start(options, &Progress::shown()).await.unwrap()
}

/// A test's work on a devnet, which it gives back, and which is stopped whatever becomes of it.
async fn on_devnet<F>(work: impl FnOnce(Devnet) -> F)
where
    F: Future<Output = Devnet> + Send + 'static,
{
    let devnet = start().await;
    tokio::spawn(work(devnet)).await.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_of_a_healthy_running_node_finds_nothing_that_failed() {
    on_devnet(|devnet| async move {
        for number in 0..devnet.operators().len() {
            wait_for_peers(&devnet, number, 3).await;
        }
        let visit = Patient::of(&devnet, 0).visit().await;
        assert_eq!(visit.with("failed"), [""; 0], "{visit:#?}");
        // What a development network is warned of, and nothing that a node depends on.
        let mut warnings = visit.with("warning");
        warnings.retain(|check| {
            !["chain 31337 rpc 0 finality", "chain 31337 endpoints", "chain 31337 rpc 0 head"]
                .contains(check)
                && !["clock, chain 31337 head", "disk space", "disk speed", "memory", "reachable"]
                    .contains(check)
        });
        assert_eq!(warnings, [""; 0], "{visit:#?}");
        assert_eq!(visit.code, 1);
        for (check, words) in [
            ("membership", "in the genesis at /ip4/127.0.0.1/tcp/"),
            ("key permissions", "only the owner"),
            ("api port", "this operator's node"),
            ("network port", "this operator's network key"),
            ("connections", "4 of 4 connected, the quorum is 3"),
            ("margin", "above the quorum"),
            ("share", "held"),
            ("store", "open in the running node"),
            ("chain 31337 rpc 0", "answers in"),
            ("chain 31337 rpc 0 logs", "of the hub"),
            ("chain 31337 rpc 0 EIP-2537", "can check"),
            ("chain 31337 hub", "this ledger's group key"),
            ("chain 31337 registration", "stake"),
            ("chain 31337 balance", "submissions at"),
            ("clock, chain 31337 rpc 0", "this clock is ahead by -"),
            ("peers", "3 of 3 others reached"),
        ] {
            visit.expect(check, "ok", words);
        }
        devnet
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_what_is_wrong_around_a_running_node() {
    on_devnet(|mut devnet| async move {
        let patient = Patient::of(&devnet, 0);
        let url = devnet.evm().url().to_owned();

        // The clock is an hour behind that of a server.
        let proxy = dated(&url, Duration::from_secs(3_600)).await;
        let visit = patient.with(|config| config.chains[0].rpc_urls = vec![proxy]).await;
        visit.expect("clock, chain 31337 rpc 0", "failed", "this clock is ahead by -360");

        // One endpoint is of another chain with the same id, one of another id, one is gone.
        let options = |chain_id| AnvilOptions { chain_id, port: 0, mining: Mining::Seconds(1) };
        let (fork, other) =
            (Anvil::start(options(31_337)).await.unwrap(), Anvil::start(options(5)).await.unwrap());
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let more = [fork.url().to_owned(), other.url().to_owned(), format!("http://{nobody}")];
        let visit = patient.with(|config| config.chains[0].rpc_urls.extend(more)).await;
        visit.expect("chain 31337 endpoints", "failed", "another at the first");
        visit.expect("chain 31337 rpc 2", "failed", "is of chain 5");
        visit.expect("chain 31337 rpc 3", "failed", "");

        // A chain whose blocks come from the future, by a right clock and by a wrong one.
        let rpc = fork.rpc();
        rpc.request::<_, IgnoredAny>("evm_increaseTime", (7_200,)).await.unwrap();
        rpc.request::<_, IgnoredAny>("anvil_mine", (1,)).await.unwrap();
        let visit =
            patient.with(|config| config.chains[0].rpc_urls = vec![fork.url().into()]).await;
        visit.expect("clock, chain 31337 head", "warning", "in the future, by a right clock");
        let wrong = dated(fork.url(), Duration::from_secs(3_600)).await;
        let visit = patient.with(|config| config.chains[0].rpc_urls = vec![wrong]).await;
        visit.expect("clock, chain 31337 head", "failed", "in the future");
        drop((fork, other));

        // A chain from before Prague, whose last block is years old.
        let (_old, url) = old_chain().await;
        let visit = patient.with(|config| config.chains[0].rpc_urls = vec![url]).await;
        visit.expect("chain 31337 rpc 0 EIP-2537", "failed", "no BLS12-381 precompiles");
        visit.expect("chain 31337 rpc 0 head", "warning", "s old");
        visit.expect("chain 31337 hub", "failed", "no contract");

        // Keys of another operator, and a port that its node holds.
        let second = NodeConfig::load(&Patient::of(&devnet, 1).config()).unwrap();
        let visit = patient.with(|config| config.keys.network = second.keys.network.clone()).await;
        visit.expect("membership", "failed", "another network key");
        visit.expect("chain 31337 registration", "failed", "another network key");
        let visit =
            patient.with(|config| config.keys.consensus = second.keys.consensus.clone()).await;
        visit.expect("membership", "failed", "another consensus key");
        visit.expect("chain 31337 registration", "failed", "another consensus key");
        let visit =
            patient.with(|config| config.network.listen = second.network.listen.clone()).await;
        visit.expect("network port", "failed", &devnet.operators()[1].address().to_string());
        let visit = patient.with(|config| config.api.listen = second.api.listen).await;
        visit.expect("api port", "failed", &devnet.operators()[1].address().to_string());

        // The API's port is not the node's: its store is in use, and nobody answers.
        let visit = patient.with(|config| config.api.listen = nobody).await;
        visit.expect("api port", "ok", "is free");
        visit.expect("store", "failed", "open in another process");

        // Money goes.
        let account = devnet.operators()[0].address();
        devnet.evm().set_balance(account, U256::from(10).pow(U256::from(16))).await.unwrap();
        patient.visit().await.expect("chain 31337 balance", "warning", "below the mark");
        devnet.evm().set_balance(account, U256::ZERO).await.unwrap();
        patient.visit().await.expect("chain 31337 balance", "failed", "enough for 0 submissions");

        // Members go.
        devnet.kill_operator(3).await.unwrap();
        wait_for_peers(&devnet, 0, 2).await;
        let visit = patient.visit().await;
        let gone = devnet.operators()[3].index(devnet.genesis()).unwrap();
        visit.expect(&format!("peer {gone}"), "warning", "not connected");
        visit.expect("peers", "ok", "2 of 3 others reached");
        visit.expect("connections", "warning", "3 of 4 connected");
        devnet.kill_operator(2).await.unwrap();
        wait_for_peers(&devnet, 0, 1).await;
        let visit = patient.visit().await;
        visit.expect("peers", "failed", "1 of 3 others reached");
        visit.expect("connections", "failed", "2 of 4 connected");
        devnet
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_of_a_stopped_node_finds_what_keeps_it_from_starting() {
    on_devnet(|mut devnet| async move {
        let patient = Patient::of(&devnet, 0);
        devnet.kill_operator(0).await.unwrap();
        let config = NodeConfig::load(&patient.config()).unwrap();

        let visit = patient.visit().await;
        assert_eq!(visit.with("failed"), [""; 0], "{visit:#?}");
        visit.expect("node", "skipped", "does not run");
        visit.expect("api port", "ok", "is free");
        visit.expect("network port", "ok", "is free");
        visit.expect("peers", "ok", "3 of 3 others reached");

        let held = TcpListener::bind(config.api.listen).unwrap();
        patient.visit().await.expect("api port", "failed", "not this operator's node");
        drop(held);

        let key = &config.keys.operator;
        fs::set_permissions(key, fs::Permissions::from_mode(0o644)).unwrap();
        patient.visit().await.expect("key permissions", "failed", "has mode 644");
        fs::set_permissions(key, fs::Permissions::from_mode(0o640)).unwrap();
        patient.visit().await.expect("key permissions", "warning", "has mode 640");
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();

        let visit = patient.with(|config| config.keys.password_file = "/nowhere".into()).await;
        visit.expect("keys", "failed", "/nowhere");
        let visit = patient.with(|config| config.genesis = "/nowhere".into()).await;
        visit.expect("genesis", "failed", "/nowhere");
        // A file system without room, on which nothing can be written.
        let visit = patient.with(|config| config.data_dir = "/proc".into()).await;
        visit.expect("disk space", "failed", "0 GiB of");
        visit.expect("disk speed", "failed", "/proc");

        let store = config.data_dir.join("node.redb");
        // Closed in order, so that its content can be read.
        drop(store::Store::open_existing(&store, store::Options::default()).unwrap());
        patient.visit().await.expect("store", "ok", "blocks up to ");
        let wal = host::wal_file(&config.data_dir.join("wal"));
        fs::rename(&wal, wal.with_extension("away")).unwrap();
        patient.visit().await.expect("store", "failed", "no write-ahead log");
        fs::rename(wal.with_extension("away"), &wal).unwrap();
        fs::write(&store, b"not a database").unwrap();
        patient.visit().await.expect("store", "failed", "is no store of this program");
        devnet
    })
    .await;
}
