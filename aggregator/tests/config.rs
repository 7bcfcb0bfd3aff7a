//! What a config refuses, by key.

use alloy_primitives::Address;
use assay_aggregator::{Policy, SubmitterConfig, Turn};

fn check(change: impl FnOnce(&mut SubmitterConfig), key: &str) {
    let mut config = SubmitterConfig {
        chain_id: 1,
        hub: Address::repeat_byte(1),
        rpc_urls: vec!["http://localhost:1".into()],
        turn: Turn::Of { index: 3, members: 4 },
        policy: Policy::default(),
    };
    assert_eq!(config.validate(), Ok(()));
    change(&mut config);
    assert_eq!(config.validate().expect_err(key).key, key);
}

#[test]
fn config_out_of_range_is_refused_by_its_key() {
    check(|it| it.chain_id = 0, "chain_id");
    check(|it| it.hub = Address::ZERO, "hub");
    check(|it| it.turn = Turn::Of { index: 4, members: 4 }, "turn.of.index");
    check(|it| it.policy.poll_interval_ms = 0, "policy.poll_interval_ms");
    check(|it| it.policy.bump_after_blocks = 0, "policy.bump_after_blocks");
    check(|it| it.policy.bump_permille = 99, "policy.bump_permille");
    check(|it| it.policy.confirmations = 0, "policy.confirmations");
    check(|it| it.policy.fee_max_wei = 1, "policy.fee_max_wei");
    check(|it| it.policy.gas_max = 1, "policy.gas_max");
}
