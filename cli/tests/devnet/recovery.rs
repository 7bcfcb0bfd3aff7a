//! One devnet from its key ceremony on: a paid job, one operator killed, all of them killed.

use std::time::Duration;

use assay_cli::{
    demo::{Case, Disturbance, run_job},
    devnet::{Devnet, Options, Progress},
};
use protocol::outcome::Verdict;

/// How long operators may take to come to one height after a restart.
const AGREEMENT_LIMIT: Duration = Duration::from_secs(60);

const PAID: Case = Case {
    title: "a proof for the challenge",
    provider: "provider",
    verdict: Verdict::Valid,
    disturbance: Disturbance::None,
};

/// Runs a job, and expects it to end as it must.
async fn expect_paid(devnet: &mut Devnet, case: &Case, progress: &Progress) {
    let result = run_job(devnet, case, progress).await.unwrap();
    assert_eq!(result.problems, Vec::<String>::new(), "{}", case.title);
}

#[tokio::test(flavor = "multi_thread")]
async fn devnet_whose_operators_are_killed_goes_on_with_one_state() {
    let progress = Progress::shown();
    let options = Options::new(env!("CARGO_BIN_EXE_assay").into());
    let mut devnet = Devnet::start(options, &progress).await.unwrap();
    let outcome = tokio::spawn(async move {
        expect_paid(&mut devnet, &PAID, &progress).await;
        devnet.agreed_state(AGREEMENT_LIMIT).await.unwrap();

        progress.step("one operator is killed during a job, and started again");
        let disturbed = Case { disturbance: Disturbance::KillOperator(2), ..PAID };
        expect_paid(&mut devnet, &disturbed, &progress).await;
        let (before, _) = devnet.agreed_state(AGREEMENT_LIMIT).await.unwrap();

        progress.step("all operators are killed, and started again");
        for number in 0..devnet.operators().len() {
            devnet.kill_operator(number).await.unwrap();
        }
        for number in 0..devnet.operators().len() {
            devnet.start_operator(number).unwrap();
        }
        expect_paid(&mut devnet, &PAID, &progress).await;
        let (after, _) = devnet.agreed_state(AGREEMENT_LIMIT).await.unwrap();
        assert!(after > before, "height {after} after {before}");
        devnet
    })
    .await;
    outcome.unwrap().stop().await.unwrap();
}
