use aggregator::{Policy, SubmitterConfig, Turn};
use alloy_primitives::Address;
use bindings::deploy::Deployment;
use oracle_node::config::NodeConfig;
use provider::AgentConfig;

use crate::seed::{Seed, formed};

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match form % 4 {
        0 => {
            let Ok(config) = NodeConfig::parse(text) else { return };
            let written = toml::to_string(&config).expect("a config is TOML");
            let again = NodeConfig::parse(&written).expect("what was written");
            assert_eq!(toml::to_string(&again).as_ref(), Ok(&written));
            for chain in &config.chains {
                chain.watcher(0).validate().expect("checked");
            }
        }
        1 => {
            let Ok(config) = toml::from_str::<AgentConfig>(text) else { return };
            if config.validate().is_err() {
                return;
            }
            assert!((1..=config.nodes.len()).contains(&config.min_agreeing));
            let written = toml::to_string(&config).expect("a config is TOML");
            assert_eq!(toml::from_str(&written).as_ref(), Ok(&config));
        }
        2 => {
            let Ok(deployment) = serde_json::from_str::<Deployment>(text) else { return };
            let written = serde_json::to_string(&deployment).expect("memory");
            assert_eq!(serde_json::from_str::<Deployment>(&written).ok(), Some(deployment));
        }
        _ => {
            let Ok(config) = toml::from_str::<SubmitterConfig>(text) else { return };
            let delays = config.turn.delays(7);
            if config.validate().is_ok()
                && let Turn::Of { members, .. } = config.turn
            {
                assert!(delays < u64::from(members));
            }
        }
    }
}

pub(super) const NODE: &str = r#"data_dir = "data"
genesis = "genesis.json"
[keys]
operator = "keys/operator.json"
consensus = "keys/consensus.json"
network = "keys/network.json"
password_file = "keys/password"
light_kdf = false
[network]
listen = "/ip4/0.0.0.0/tcp/26656"
max_idle_ms = 30000
[api]
listen = "127.0.0.1:8600"
[[chains]]
chain_id = 1
hub = "0x00000000000000000000000000000000000000a1"
verifier_registry = "0x00000000000000000000000000000000000000a2"
rpc_urls = ["http://127.0.0.1:8545"]
finality = { depth = 64 }
poll_interval_ms = 4000
[submitter]
enabled = true
[submitter.policy]
gas_max = 15000000
fee_max_wei = 500000000000
"#;

const PROVIDER: &str = r#"key_file = "provider.json"
password_file = "password"
ledger_id = "0x1111111111111111111111111111111111111111111111111111111111111111"
nodes = ["http://127.0.0.1:8001", "http://127.0.0.1:8002/"]
min_agreeing = 2
journal = "signed.redb"
prover = { command = ["node", "prove.js"] }
verifying_keys = ["verification_key.json"]
check = "before-signing"
max_concurrent = 4
"#;

pub(super) fn seeds() -> Vec<Seed> {
    let address = Address::repeat_byte;
    let deployment = Deployment {
        chain_id: 31337,
        start_block: 3,
        token: address(1),
        operator_registry: address(2),
        hub: address(3),
        verifier_registry: address(4),
        resource_registry: address(5),
        escrow: address(6),
    };
    let submitter = SubmitterConfig {
        chain_id: 1,
        hub: address(1),
        rpc_urls: vec!["http://localhost:1".into()],
        turn: Turn::Of { index: 3, members: 4 },
        policy: Policy::default(),
    };
    vec![
        formed("node", 0, NODE),
        formed("provider", 1, PROVIDER),
        formed("deployment", 2, serde_json::to_string(&deployment).expect("memory")),
        formed("submitter", 3, toml::to_string(&submitter).expect("a config is TOML")),
    ]
}
