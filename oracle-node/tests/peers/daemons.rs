//! Daemons of one committee, in this process.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use assay_oracle_node::{Options, config::NodeConfig};
use ed25519_dalek::SigningKey;
use keystore::{Kdf, Password, Secret, eip2335, web3};
use protocol::{
    ecdsa::Signer,
    genesis::{Genesis, Hub, Member as GenesisMember, Parameters},
    ids::LedgerTime,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use hostile::{Hostile, Voice};

/// No single wait of a test is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// How often a metric is read while it is waited for.
const LOOK: Duration = Duration::from_millis(200);

const PASSWORD: &str = "peers";

/// The secrets of one member.
pub(crate) struct Member {
    pub(crate) operator: [u8; 32],
    pub(crate) network: SigningKey,
    p2p: SocketAddr,
    api: SocketAddr,
}

/// Three that run, the fourth hostile.
pub(crate) struct Network {
    pub(crate) genesis: Genesis,
    pub(crate) members: Vec<Member>,
    pub(crate) hostile: Hostile,
    stop: watch::Sender<bool>,
    daemons: Vec<JoinHandle<eyre::Result<()>>>,
    _folder: TempDir,
}

/// An address that nothing listens on yet.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn genesis(members: &[Member]) -> Genesis {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let members = members.iter().map(|member| {
        let signer = Signer::from_secret(&member.operator).unwrap();
        let mut consensus = member.operator;
        consensus[31] ^= 0xff;
        GenesisMember {
            operator: signer.address(),
            consensus_key: Signer::from_secret(&consensus).unwrap().public_key(),
            network_key: member.network.verifying_key().to_bytes(),
            addresses: vec![format!("/ip4/127.0.0.1/tcp/{}", member.p2p.port())],
        }
    });
    Genesis {
        salt: [7; 32].into(),
        time_ms: LedgerTime(u64::try_from(now.as_millis()).unwrap()),
        committee_id: 0,
        hubs: vec![Hub { chain_id: 31337, hub: [0xAB; 20].into(), start_block: 0 }],
        members: members.collect(),
        parameters: Parameters {
            answer_ms: 5_000,
            commit_ms: 3_000,
            reveal_ms: 3_000,
            ceremony_ms: 15_000,
        },
    }
}

/// Writes a member's files; gives its config.
fn configure(folder: &Path, member: &Member) -> NodeConfig {
    let (password, light) = (Password::new(PASSWORD.into()), Kdf::LIGHT);
    let mut consensus = member.operator;
    consensus[31] ^= 0xff;
    for (name, secret) in [("operator", member.operator), ("consensus", consensus)] {
        let sealed = web3::Keystore::seal(&Secret::new(secret), &password, light).unwrap();
        sealed.write(&folder.join(name)).unwrap();
    }
    let network = Secret::new(member.network.to_bytes());
    let details = eip2335::Details::default();
    let sealed = eip2335::Keystore::seal(&network, &password, light, details).unwrap();
    sealed.write(&folder.join("network")).unwrap();
    std::fs::write(folder.join("password"), PASSWORD).unwrap();
    let (p2p, api, nothing) = (member.p2p.port(), member.api, free());
    let text = format!(
        r#"
        data_dir = "data"
        genesis = "../genesis.json"
        keys = {{ operator = "operator", consensus = "consensus", network = "network", password_file = "password", light_kdf = true }}
        network = {{ listen = "/ip4/127.0.0.1/tcp/{p2p}", max_idle_ms = 1000 }}
        api = {{ listen = "{api}" }}
        [[chains]]
        chain_id = 31337
        hub = "0xabababababababababababababababababababab"
        verifier_registry = "0x00000000000000000000000000000000000000a2"
        rpc_urls = ["http://{nothing}"]
        "#
    );
    let path = folder.join("node.toml");
    std::fs::write(&path, text).unwrap();
    NodeConfig::load(&path).unwrap()
}

impl Network {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut members: Vec<Member> = (1..=4)
            .map(|place| Member {
                operator: [place; 32],
                network: SigningKey::from_bytes(&[place + 100; 32]),
                p2p: free(),
                api: free(),
            })
            .collect();
        members.sort_by_key(|member| member.network.verifying_key().to_bytes());
        let genesis = genesis(&members);
        let text = serde_json::to_string(&genesis).unwrap();
        std::fs::write(folder.path().join("genesis.json"), text).unwrap();
        let (stop, stopped) = watch::channel(false);
        let honest = &members[..3];
        let daemons = honest
            .iter()
            .enumerate()
            .map(|(place, member)| {
                let own = folder.path().join(place.to_string());
                std::fs::create_dir(&own).unwrap();
                let config = configure(&own, member);
                let mut stopped = stopped.clone();
                tokio::spawn(assay_oracle_node::run(config, Options::default(), async move {
                    let _ = stopped.wait_for(|stop| *stop).await;
                }))
            })
            .collect();
        let targets: Vec<_> = honest
            .iter()
            .map(|member| {
                let key = member.network.verifying_key().to_bytes();
                (key, format!("/ip4/127.0.0.1/tcp/{}", member.p2p.port()))
            })
            .collect();
        let ledger = genesis.ledger_id().0;
        let seed = members[3].network.to_bytes();
        let mut hostile = Hostile::start(ledger, seed, Voice::Gossip, &targets);
        hostile.connect(3).await;
        Self { genesis, members, hostile, stop, daemons, _folder: folder }
    }

    /// A metric of one daemon, 0 where there is none.
    async fn metric(&self, place: usize, name: &str) -> u64 {
        let Ok(mut client) = TcpStream::connect(self.members[place].api).await else { return 0 };
        let ask = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        client.write_all(ask).await.unwrap();
        let mut text = String::new();
        timeout(PATIENCE, client.read_to_string(&mut text)).await.unwrap().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
    }

    /// Waits until a metric is that high at every daemon, doing something meanwhile.
    pub(crate) async fn until(
        &self,
        name: &str,
        least: u64,
        mut provoke: impl AsyncFnMut(&Hostile),
    ) {
        let deadline = Instant::now() + PATIENCE;
        for place in 0..3 {
            loop {
                let value = self.metric(place, name).await;
                if value >= least {
                    break;
                }
                assert!(Instant::now() < deadline, "daemon {place}: {name} is {value}");
                provoke(&self.hostile).await;
                sleep(LOOK).await;
            }
        }
    }

    /// Every daemon decides further heights.
    pub(crate) async fn goes_on(&self) {
        let mut tip = 0;
        for place in 0..3 {
            tip = tip.max(self.metric(place, "assay_height ").await);
        }
        self.until("assay_height ", tip + 3, async |_| {}).await;
    }

    /// The sum over the daemons.
    pub(crate) async fn sum(&self, name: &str) -> u64 {
        let mut sum = 0;
        for place in 0..3 {
            sum += self.metric(place, name).await;
        }
        sum
    }

    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        for daemon in self.daemons {
            timeout(PATIENCE, daemon).await.unwrap().unwrap().unwrap();
        }
    }
}
