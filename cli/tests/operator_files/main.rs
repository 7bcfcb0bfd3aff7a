//! The files that an operator makes before its node runs: keys and config.

use std::{
    path::Path,
    process::{Command, Output},
};

use alloy_primitives::{Address, B256};
use assay_cli::keys::{self, KeyFolder};
use bindings::deploy::Deployment;
use oracle_node::config::NodeConfig;
use protocol::{
    genesis::{Genesis, Hub, Parameters},
    ids::LedgerTime,
};

const CHAIN_ID: u64 = 31_337;
const HUB: Address = Address::repeat_byte(7);

fn assay(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG").output().unwrap()
}

fn keygen(folder: &Path, dir: &str) -> Output {
    assay(folder, &["operator", "keygen", "--light-kdf", "--dir", dir])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Keys of five operators, and a genesis of the first four, with its deployment.
fn network(folder: &Path) {
    let mut members = Vec::new();
    for number in 0..5 {
        let dir = format!("keys-{number}");
        assert!(keygen(folder, &dir).status.success());
        let public = KeyFolder::new(folder.join(dir)).read_public().unwrap();
        members.push(public.member("/ip4/127.0.0.1/tcp/26656").unwrap());
    }
    members.pop();
    members.sort_by_key(|member| member.network_key);
    let genesis = Genesis {
        salt: B256::ZERO,
        time_ms: LedgerTime(1),
        committee_id: 0,
        hubs: vec![Hub { chain_id: CHAIN_ID, hub: HUB, start_block: 0 }],
        members,
        parameters: Parameters::default(),
    };
    let deployment = Deployment {
        chain_id: CHAIN_ID,
        start_block: 0,
        token: Address::repeat_byte(1),
        operator_registry: Address::repeat_byte(2),
        hub: HUB,
        verifier_registry: Address::repeat_byte(3),
        resource_registry: Address::repeat_byte(4),
        escrow: Address::repeat_byte(5),
    };
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    write("genesis.json", serde_json::to_string(&genesis).unwrap());
    write("deployment.json", serde_json::to_string(&deployment).unwrap());
}

fn init(folder: &Path, keys: &str) -> Output {
    let given = ["node", "init", "--genesis", "genesis.json", "--deployment", "deployment.json"];
    let rest = ["--rpc", "http://127.0.0.1:8545", "--keys", keys];
    assay(folder, &[&given[..], &rest[..]].concat())
}

#[test]
fn keygen_makes_keys_that_open_to_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    assert!(keygen(folder.path(), "keys").status.success());
    let keys = KeyFolder::new(folder.path().join("keys"));
    let password = keys::read_password(&keys.password()).unwrap();
    let opened = keys.open(&password).unwrap().public().unwrap();
    assert_eq!(opened, keys.read_public().unwrap());
}

#[test]
fn keygen_where_keys_are_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert!(keygen(folder.path(), "keys").status.success());
    let keys = KeyFolder::new(folder.path().join("keys"));
    let before = keys.read_public().unwrap();
    let again = keygen(folder.path(), "keys");
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("never overwritten"), "{}", said(&again));
    assert_eq!(keys.read_public().unwrap(), before);
}

#[test]
fn node_init_of_a_member_writes_a_config_that_loads_once() {
    let folder = tempfile::tempdir().unwrap();
    network(folder.path());
    let made = init(folder.path(), "keys-0");
    assert!(made.status.success(), "{}", said(&made));
    let config = NodeConfig::load(&folder.path().join("node.toml")).unwrap();
    assert_eq!(config.chains[0].hub, HUB);
    assert_eq!(init(folder.path(), "keys-0").status.code(), Some(1));
}

#[test]
fn node_init_of_a_stranger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    network(folder.path());
    let refused = init(folder.path(), "keys-4");
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("is no member"), "{}", said(&refused));
    assert!(!folder.path().join("node.toml").exists());
}

#[test]
fn node_run_without_a_config_says_how_to_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let refused = assay(folder.path(), &["node", "run"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("assay node init"), "{}", said(&refused));
}

#[test]
fn doctor_of_a_node_without_keys_or_chain_fails_and_names_both() {
    let folder = tempfile::tempdir().unwrap();
    network(folder.path());
    assert!(init(folder.path(), "keys-0").status.success());
    std::fs::remove_file(folder.path().join("keys-0/network.json")).unwrap();
    let told = assay(folder.path(), &["operator", "doctor", "--json"]);
    assert_eq!(told.status.code(), Some(2));
    let checks: Vec<serde_json::Value> = serde_json::from_slice(&told.stdout).unwrap();
    let failed = |name: &str| {
        checks.iter().any(|check| check["check"] == name && check["result"] == "failed")
    };
    assert!(failed("keys"), "{checks:?}");
    assert!(failed("chain 31337 rpc 0"), "{checks:?}");
}
