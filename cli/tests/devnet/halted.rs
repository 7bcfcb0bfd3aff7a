//! One node between two chains, one of which goes back further than it may.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{B256, U256};
use assay_cli::{
    client::NodeClient,
    devnet::Ports,
    keys::{self, KeyFolder},
};
use bindings::{
    anvil::{Anvil, AnvilOptions, Mining},
    deploy::{Deployment, Settings, deploy},
    rpc::{BlockId, PrivateKeySigner, Wallet},
};
use keystore::Kdf;
use oracle_node::{
    config::{Api, Chain, Keys, Network, NodeConfig, STALL_AFTER_MS, Submitter},
    views::Status,
};
use protocol::{
    genesis::{Genesis, Hub, Parameters},
    ids::LedgerTime,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const FIRST: u64 = 31_337;
const SECOND: u64 = 31_338;
/// Far longer than anything here takes, so that a hang shows as a failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between looks at the node.
const LOOK: Duration = Duration::from_millis(100);

/// A chain with the contracts on it.
async fn chain(chain_id: u64, deployer: u8) -> (Anvil, Deployment) {
    let options = AnvilOptions { chain_id, port: 0, mining: Mining::EachTransaction };
    let anvil = Anvil::start(options).await.unwrap();
    let key = PrivateKeySigner::from_slice(&[deployer; 32]).unwrap();
    anvil.set_balance(key.address(), U256::from(10u128.pow(24))).await.unwrap();
    let wallet = Wallet::connect(anvil.rpc().clone(), key).await.unwrap();
    let deployment = deploy(&wallet, &Settings::default()).await.unwrap();
    (anvil, deployment)
}

async fn head(anvil: &Anvil) -> u64 {
    anvil.rpc().header(BlockId::Latest).await.unwrap().unwrap().number
}

/// A node's files: keys, a genesis of four members and two hubs, and a config.
struct Files {
    dir: TempDir,
    api: NodeClient,
}

impl Files {
    fn write(chains: &[(&Anvil, Deployment)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let password_file = dir.path().join(keys::PASSWORD);
        let password = keys::create_password(&password_file).unwrap();
        let ports = Ports::choose(None, 4).unwrap();
        let folder = |number: u16| KeyFolder::new(dir.path().join(format!("keys-{number}")));
        let address = |number: u16| format!("/ip4/127.0.0.1/tcp/{}", ports.network(number));
        let mut members: Vec<_> = (0..4)
            .map(|number| {
                let secrets = folder(number).create(&password, Kdf::LIGHT).unwrap();
                secrets.public().unwrap().member(&address(number)).unwrap()
            })
            .collect();
        members.sort_by_key(|member| member.network_key);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let hub = |(_, it): &(&Anvil, Deployment)| Hub {
            chain_id: it.chain_id,
            hub: it.hub,
            start_block: it.start_block,
        };
        let genesis = Genesis {
            salt: B256::repeat_byte(1),
            time_ms: LedgerTime(u64::try_from(now).unwrap()),
            committee_id: 0,
            hubs: chains.iter().map(hub).collect(),
            members,
            parameters: Parameters::default(),
        };
        genesis.validate().unwrap();
        let genesis_file = dir.path().join("genesis.json");
        std::fs::write(&genesis_file, serde_json::to_string(&genesis).unwrap()).unwrap();
        let chain = |(anvil, it): &(&Anvil, Deployment)| Chain {
            chain_id: it.chain_id,
            hub: it.hub,
            verifier_registry: it.verifier_registry,
            rpc_urls: vec![anvil.url().to_owned()],
            finality: ::chain::Finality::Depth(2),
            poll_interval_ms: 100,
            stall_after_ms: STALL_AFTER_MS,
        };
        let keys = folder(0);
        let config = NodeConfig {
            data_dir: dir.path().join("data"),
            genesis: genesis_file,
            keys: Keys {
                operator: keys.operator(),
                consensus: keys.consensus(),
                network: keys.network(),
                password_file,
                light_kdf: true,
            },
            network: Network { listen: address(0), max_idle_ms: 30_000 },
            api: Api { listen: ([127, 0, 0, 1], ports.api(0)).into() },
            chains: chains.iter().map(chain).collect(),
            submitter: Submitter::default(),
        };
        let text = toml::to_string_pretty(&config).unwrap();
        std::fs::write(dir.path().join("node.toml"), text).unwrap();
        let api = NodeClient::new(&format!("http://127.0.0.1:{}", ports.api(0))).unwrap();
        Self { dir, api }
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("node.toml")
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(["node", "run", "--config"]).arg(self.config()).args(more);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Starts the node. What it logs is read and dropped, so that it can't block.
    fn start(&self, more: &[&str]) -> Child {
        let mut child = self.command(more).spawn().unwrap();
        let mut log = child.stderr.take().unwrap();
        tokio::spawn(async move { tokio::io::copy(&mut log, &mut tokio::io::sink()).await });
        child
    }

    /// The first status that `wanted` accepts.
    async fn status(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        let mut last = None;
        let looking = async {
            loop {
                last = self.api.status().await.ok();
                if let Some(status) = last.as_ref().filter(|status| wanted(status)) {
                    return status.clone();
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(status) => status,
            Err(_) => panic!("last seen: {last:?}"),
        }
    }

    async fn metrics(&self) -> String {
        reqwest::get(format!("{}/metrics", self.api.base())).await.unwrap().text().await.unwrap()
    }
}

fn finalized(status: &Status, chain_id: u64) -> u64 {
    status.chains.iter().find(|it| it.chain_id == chain_id).unwrap().finalized
}

fn halted(status: &Status) -> Vec<u64> {
    status.chains.iter().filter(|it| it.halted).map(|it| it.chain_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn node_deep_reorg_halts_one_chain_over_restarts() {
    let ((first, at_first), (second, at_second)) = (chain(FIRST, 7).await, chain(SECOND, 8).await);
    let files = Files::write(&[(&first, at_first), (&second, at_second)]);
    let mut node = files.start(&[]);
    let (at, seconds) = (head(&first).await - 2, head(&second).await - 2);
    let read = |it: &Status| finalized(it, FIRST) == at && finalized(it, SECOND) == seconds;
    assert_eq!(halted(&files.status(read).await), [0; 0]);

    first.reorg(6).await.unwrap();
    first.mine(1).await.unwrap();
    files.status(|it| halted(it) == [FIRST]).await;
    let missing = files.api.readiness().await.unwrap().missing;
    let named = format!("chain {FIRST}: halted: final block {at} was 0x");
    assert!(missing.iter().any(|it| it.starts_with(&named)), "{missing:?}");
    let metrics = files.metrics().await;
    for line in [
        "assay_chain_halted{chain_id=\"31337\"} 1",
        "assay_chain_halted{chain_id=\"31338\"} 0",
        "assay_chain_healthy{chain_id=\"31338\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    second.mine(3).await.unwrap();
    let status = files.status(|it| finalized(it, SECOND) == seconds + 3).await;
    assert_eq!((halted(&status), finalized(&status, FIRST)), (vec![FIRST], at));

    // Killed and started again, it is halted from its first word on.
    node.kill().await.unwrap();
    let mut node = files.start(&[]);
    assert_eq!(halted(&files.status(|_| true).await), [FIRST]);
    second.mine(1).await.unwrap();
    let status = files.status(|it| finalized(it, SECOND) == seconds + 4).await;
    assert_eq!((halted(&status), finalized(&status, FIRST)), (vec![FIRST], 0));

    // A person lifts it.
    node.kill().await.unwrap();
    let mut node = files.start(&["--resume-chain", "31337"]);
    let status = files.status(|it| finalized(it, FIRST) == at + 1).await;
    assert_eq!(halted(&status), [0; 0]);

    // And it is not halted any more.
    node.kill().await.unwrap();
    let refused = files.command(&["--resume-chain", "31337"]).output().await.unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("31337 is not halted"), "{said}");
}
