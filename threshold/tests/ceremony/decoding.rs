//! Ceremony encodings: canonical, or refused; never a panic.

use crate::harness::{Conduct, Finished, LEDGER, keys, members, run};
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use std::{collections::BTreeMap, sync::OnceLock};
use threshold::{
    EphemeralKey,
    dkg::{Ceremony, Dealer, LogError, Output, OutputError, Player, check_log, observe},
    open,
};

/// A ceremony of four in which the first dealer reveals one share.
fn finished() -> &'static Finished {
    static FINISHED: OnceLock<Finished> = OnceLock::new();
    FINISHED.get_or_init(|| {
        let members = members(4, 1);
        let all = keys(&members);
        let ceremony = Ceremony::new(&LEDGER, 7, &all, &all, None).expect("ceremony");
        let conduct = BTreeMap::from([(all[0], Conduct::HearsNothingFrom(vec![all[3]]))]);
        run(&ceremony, &members, &BTreeMap::new(), &members, &conduct)
    })
}

#[test]
fn log_truncated_extended_or_mutated_is_refused() {
    let finished = finished();
    let log = &finished.logs[0];
    for length in 0..log.len() {
        assert!(check_log(&finished.ceremony, &log[..length]).is_err(), "{length}");
    }
    let mut extended = log.clone();
    extended.push(0);
    assert!(matches!(check_log(&finished.ceremony, &extended), Err(LogError::Malformed(_))));
    extended.resize(finished.ceremony.log_bytes_max() + 1, 0);
    assert!(matches!(check_log(&finished.ceremony, &extended), Err(LogError::TooLong { .. })));
    for position in 0..log.len() {
        let mut mutated = log.clone();
        mutated[position] ^= 1;
        assert!(check_log(&finished.ceremony, &mutated).is_err(), "{position}");
    }
}

#[test]
fn output_round_trip_and_every_mutation_is_another_or_refused() {
    let finished = finished();
    let output = observe(&finished.ceremony, &finished.logs).expect("output");
    let encoded = output.to_bytes();
    assert_eq!(Output::from_bytes(&encoded), Ok(output.clone()));
    for length in 0..encoded.len() {
        assert!(Output::from_bytes(&encoded[..length]).is_err(), "{length}");
    }
    let mut extended = encoded.clone();
    extended.push(0);
    assert!(matches!(Output::from_bytes(&extended), Err(OutputError::Malformed(_))));
    extended.resize(Output::BYTES_MAX + 1, 0);
    assert!(matches!(Output::from_bytes(&extended), Err(OutputError::Malformed(_))));
    for position in 0..encoded.len() {
        for flip in [1, 0x80] {
            let mut mutated = encoded.clone();
            mutated[position] ^= flip;
            if let Ok(other) = Output::from_bytes(&mutated) {
                assert_ne!(other, output);
                assert_eq!(other.to_bytes(), mutated);
            }
        }
    }
}

#[test]
fn output_claiming_impossible_reveals_is_refused() {
    let finished = finished();
    let mut encoded = observe(&finished.ceremony, &finished.logs).expect("output").to_bytes();
    encoded[3] = 3;
    assert!(Output::from_bytes(&encoded).is_ok());
    encoded[3] = 4;
    assert!(matches!(Output::from_bytes(&encoded), Err(OutputError::Inconsistent(_))));
}

#[test]
fn output_of_a_mutated_previous_never_panics_a_ceremony() {
    let finished = finished();
    let all = finished.ceremony.players();
    let encoded = observe(&finished.ceremony, &finished.logs).expect("output").to_bytes();
    for position in 0..encoded.len() {
        let mut mutated = encoded.clone();
        mutated[position] ^= 1;
        if let Ok(previous) = Output::from_bytes(&mutated)
            && let Ok(ceremony) = Ceremony::new(&LEDGER, 8, all, all, Some(&previous))
        {
            assert!(observe(&ceremony, &finished.logs).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/ceremony.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn decoding_arbitrary_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..900)) {
        let finished = finished();
        let member = members(4, 1)[1];
        let _ = Output::from_bytes(&bytes);
        let _ = check_log(&finished.ceremony, &bytes);
        let _ = observe(&finished.ceremony, &[&bytes]);
        let _ = open(&EphemeralKey::from_seed(&[1; 32]), &[], &bytes);
        let mut player = Player::new(&finished.ceremony, &member.secret).expect("player");
        let _ = player.receive_dealing(&member.public, &bytes, &bytes);
        let (mut dealer, _) =
            Dealer::start(&finished.ceremony, &member.secret, None, &[1; 32]).expect("dealer");
        let _ = dealer.receive_ack(&member.public, &bytes);
    }

    #[test]
    fn decoding_spliced_logs_never_panics(
        position in 0_usize..800,
        length in 0_usize..80,
        junk in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let finished = finished();
        let mut log = finished.logs[0].clone();
        let start = position.min(log.len());
        let end = (start + length).min(log.len());
        log.splice(start..end, junk);
        if log != finished.logs[0] {
            prop_assert!(check_log(&finished.ceremony, &log).is_err());
        }
    }
}
