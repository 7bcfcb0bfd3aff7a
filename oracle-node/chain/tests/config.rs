//! What a config refuses, by key.

use alloy_primitives::Address;
use assay_chain::{ChainConfig, Cursor, Finality, Watcher};

fn check(change: impl FnOnce(&mut ChainConfig), key: &str) {
    let urls = vec!["http://localhost:1".to_owned()];
    let mut config = ChainConfig::new(1, Address::repeat_byte(1), urls, Finality::Finalized, 0);
    assert_eq!(config.validate(), Ok(()));
    change(&mut config);
    let error = Watcher::new(config, Cursor::START).expect_err(key);
    assert_eq!(error.key, key);
    assert!(error.to_string().contains(key), "{error}");
}

#[test]
fn config_out_of_range_is_refused_by_its_key() {
    check(|it| it.chain_id = 0, "chain_id");
    check(|it| it.hub = Address::ZERO, "hub");
    check(|it| it.rpc_urls.clear(), "rpc_urls");
    check(|it| it.rpc_urls = vec!["http://localhost:1".into(); 17], "rpc_urls");
    check(|it| it.rpc_urls = vec!["ws://localhost:1".into()], "rpc_urls");
    check(|it| it.finality = Finality::Depth(u64::MAX), "finality.depth");
    check(|it| it.max_range = 0, "max_range");
    check(|it| it.max_range = u64::MAX, "max_range");
    check(|it| it.poll_interval_ms = 0, "poll_interval_ms");
    check(|it| it.request_timeout_ms = 0, "request_timeout_ms");
}

#[test]
fn config_in_json_takes_defaults_and_refuses_unknown_keys() {
    let hub = Address::repeat_byte(1);
    let mut json = serde_json::json!({
        "chain_id": 1,
        "hub": hub,
        "rpc_urls": ["http://localhost:1"],
        "finality": "finalized",
        "start_block": 7,
    });
    let config: ChainConfig = serde_json::from_value(json.clone()).unwrap();
    let urls = vec!["http://localhost:1".to_owned()];
    assert_eq!(config, ChainConfig::new(1, hub, urls, Finality::Finalized, 7));
    json["finality"] = serde_json::json!({ "depth": 2 });
    let config: ChainConfig = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(config.finality, Finality::Depth(2));
    json["rpc_url"] = "http://localhost:1".into();
    assert!(serde_json::from_value::<ChainConfig>(json).is_err());
}
