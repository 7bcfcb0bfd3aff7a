use protocol::{genesis::Genesis, ledger::Ledger};

use crate::committee;
use crate::seed::{Seed, plain};

pub(super) fn run(input: &[u8]) {
    let Ok(genesis) = serde_json::from_slice::<Genesis>(input) else { return };
    let written = serde_json::to_vec(&genesis).expect("memory");
    let read: Genesis = serde_json::from_slice(&written).expect("what was written");
    assert_eq!(read, genesis);
    assert_eq!(read.ledger_id(), genesis.ledger_id());
    let valid = genesis.validate().is_ok();
    match Ledger::new(genesis) {
        Ok(ledger) => {
            assert!(valid);
            let quorums = ledger.genesis().quorums();
            assert!(quorums.q <= quorums.n);
            for index in ledger.genesis().indices() {
                assert!(ledger.state().member(index).is_some());
            }
        }
        Err(_) => assert!(!valid),
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let (genesis, _, _) = committee::genesis();
    let mut addressed = genesis.clone();
    for member in &mut addressed.members {
        member.addresses = vec!["/ip4/192.0.2.7/tcp/26656".into(), "/dns4/a.example/tcp/1".into()];
    }
    vec![
        plain("compact", serde_json::to_vec(&genesis).expect("memory")),
        plain("pretty", serde_json::to_vec_pretty(&addressed).expect("memory")),
    ]
}
