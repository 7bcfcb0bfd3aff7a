//! The agent against nodes that speak the API, honestly or not.

mod support;

use std::fs;

use alloy_primitives::{B256, hex};
use proofs::groth16_bn254::bound_input;
use provider::{AgentEvent, Check, Journal, Prover};
use serde_json::{Value, json};
use support::{
    Agent, CHAIN_ID, Challenged, HUB, Node, Provider, Speaks, job, ledger, proved, runs,
    statement_hash,
};

fn signed(event: &AgentEvent) -> Option<B256> {
    match event {
        AgentEvent::Signed { response, .. } => Some(*response),
        _ => None,
    }
}

fn failed(event: &AgentEvent) -> Option<String> {
    match event {
        AgentEvent::Failed { reason, .. } => Some(reason.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn challenge_that_nodes_agree_on_is_proved_signed_and_sent_to_all() {
    let provider = Provider::new();
    let mut nodes = [
        Node::start(Speaks::StreamAndPoll).await,
        Node::start(Speaks::StreamAndPoll).await,
        Node::start(Speaks::PollOnly).await,
    ];
    let prover = provider.script("cat > input.json; echo working >&2; cat proved.json");
    let config = provider.config(&nodes.each_ref(), 2, prover);
    let mut agent = Agent::start(config);
    let challenged = Challenged::new(1);
    for node in &nodes {
        node.challenge(challenged.json());
    }
    let response = agent.wait(signed).await;
    for node in &mut nodes {
        let submission = node.submission().await;
        assert_eq!(provider.require_signed(&submission, &challenged), response);
        assert_eq!(submission.parts[0].len(), 256);
    }
    let input: Value =
        serde_json::from_slice(&fs::read(provider.path("input.json")).unwrap()).unwrap();
    let bound = bound_input(CHAIN_ID, &HUB, &challenged.job, &challenged.seed);
    assert_eq!(input["bound_input"], bound.to_string());
    assert_eq!(input["seed"], json!(challenged.seed));
    assert_eq!(input["job_id"], json!(challenged.job));
    assert_eq!(input["chain_id"], CHAIN_ID);
    agent.stop().await;
    for node in &mut nodes {
        assert!(node.taken().is_empty(), "one response is sent once");
    }
}

#[tokio::test]
async fn node_that_lies_about_the_seed_gets_nothing_signed_for_it() {
    let provider = Provider::new();
    let mut nodes = [
        Node::start(Speaks::StreamAndPoll).await,
        Node::start(Speaks::StreamAndPoll).await,
        Node::start(Speaks::StreamAndPoll).await,
    ];
    let prover = provider.script("cat proved.json");
    let mut agent = Agent::start(provider.config(&nodes.each_ref(), 2, prover));
    let truth = Challenged::new(1);
    let lie = Challenged { seed: B256::repeat_byte(0xbb), ..Challenged::new(1) };
    nodes[0].challenge(lie.json());
    nodes[1].challenge(truth.json());
    agent
        .wait(|event| match event {
            AgentEvent::Contradiction { .. } => Some(()),
            AgentEvent::Signed { .. } => panic!("signed without agreement"),
            _ => None,
        })
        .await;
    nodes[2].challenge(truth.json());
    agent.wait(signed).await;
    for node in &mut nodes {
        provider.require_signed(&node.submission().await, &truth);
    }
    agent.stop().await;
}

#[tokio::test]
async fn prover_that_hangs_is_killed_at_the_deadline_with_what_it_started() {
    let provider = Provider::new();
    let node = Node::start(Speaks::PollOnly).await;
    let prover = provider.script("sleep 600 & echo $! > child.pid; sleep 600");
    let mut agent = Agent::start(provider.config(&[&node], 1, prover));
    node.challenge(Challenged { answer_in_ms: 1500, ..Challenged::new(1) }.json());
    let reason = agent.wait(failed).await;
    assert!(reason.contains("still running at the answer's deadline"), "{reason}");
    let child = fs::read_to_string(provider.path("child.pid")).unwrap();
    let gone = async {
        while runs(child.trim()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.unwrap();
    let events = agent.stop().await;
    assert!(events.iter().all(|event| signed(event).is_none()), "{events:?}");
}

#[tokio::test]
async fn prover_s_garbage_is_never_signed() {
    let mut swapped: Value = serde_json::from_str(&proved()).unwrap();
    swapped["proof"]["pi_c"] = swapped["proof"]["pi_a"].clone();
    let unreadable_point = proved().replacen("\"pi_a\": [\n  \"", "\"pi_a\": [\n  \"9", 1);
    let cases = [
        ("echo garbage".to_owned(), "neither a snarkjs proof nor a list of parts"),
        (":".to_owned(), "neither a snarkjs proof nor a list of parts"),
        ("echo oops >&2; exit 3".to_owned(), "oops"),
        ("exec /no/such/program".to_owned(), "ended with"),
        (format!("cat <<'END'\n{swapped}\nEND"), "the proof would be invalid"),
        (format!("cat <<'END'\n{unreadable_point}\nEND"), "can't be used"),
        ("echo '{\"parts\": []}'".to_owned(), "0 parts"),
        ("echo '{\"parts\": [\"0x00\"]}'".to_owned(), "the proof would be invalid"),
        ("yes garbage".to_owned(), "printed more than"),
    ];
    for (script, expected) in cases {
        let provider = Provider::new();
        let mut node = Node::start(Speaks::PollOnly).await;
        let prover = provider.script(&script);
        let mut agent = Agent::start(provider.config(&[&node], 1, prover));
        node.challenge(Challenged::new(1).json());
        let reason = agent.wait(failed).await;
        assert!(reason.contains(expected), "{script}: {reason}");
        agent.stop().await;
        assert!(node.taken().is_empty());
        let journal = Journal::open(&provider.path("signed.redb"), provider.address, ledger());
        assert_eq!(journal.unwrap().get(job(1)).unwrap(), None);
    }
}

#[tokio::test]
async fn job_signed_before_a_restart_is_never_signed_differently() {
    let provider = Provider::new();
    let mut node = Node::start(Speaks::StreamAndPoll).await;
    let proof_file = provider.path(&format!("{}.json", job(1)));
    let parts = |byte: u8| json!({"parts": [hex::encode_prefixed([byte; 8])]}).to_string();
    fs::write(&proof_file, parts(1)).unwrap();
    let folder = Prover::Directory(provider.folder.path().to_owned());
    let mut config = provider.config(&[&node], 1, folder);
    config.check = Check::Never;

    let challenged = Challenged::new(1);
    node.challenge(challenged.json());
    let mut agent = Agent::start(config.clone());
    let first = agent.wait(signed).await;
    assert_eq!(provider.require_signed(&node.submission().await, &challenged), first);
    agent.stop().await;

    fs::write(&proof_file, parts(2)).unwrap();
    let agent = Agent::start(config.clone());
    let again = node.submission().await;
    assert_eq!(provider.require_signed(&again, &challenged), first, "the same one is sent again");
    agent.stop().await;

    // A node that now tells of another seed gets nothing new either.
    let mut other = Node::start(Speaks::StreamAndPoll).await;
    other.challenge(Challenged { seed: B256::repeat_byte(0xcc), ..Challenged::new(1) }.json());
    config.nodes = vec![other.url.clone()];
    let mut agent = Agent::start(config);
    agent
        .wait(|event| match event {
            AgentEvent::Conflict { .. } => Some(()),
            AgentEvent::Signed { .. } => panic!("signed a second time"),
            _ => None,
        })
        .await;
    agent.stop().await;
    for submission in other.taken().into_iter().chain(node.taken()) {
        assert_eq!(provider.require_signed(&submission, &challenged), first);
    }
}

#[tokio::test]
async fn response_is_sent_again_until_the_node_takes_it() {
    let provider = Provider::new();
    let mut node = Node::start(Speaks::StreamAndPoll).await;
    node.refuse(2);
    let prover = provider.script("cat proved.json");
    let mut agent = Agent::start(provider.config(&[&node], 1, prover));
    let challenged = Challenged::new(1);
    node.challenge(challenged.json());
    agent.wait(|event| matches!(event, AgentEvent::Accepted { node: 0, .. }).then_some(())).await;
    provider.require_signed(&node.submission().await, &challenged);
    agent.stop().await;
}

#[tokio::test]
async fn response_that_no_node_takes_in_time_is_reported() {
    let provider = Provider::new();
    let node = Node::start(Speaks::PollOnly).await;
    node.refuse(usize::MAX);
    let prover = provider.script("cat proved.json");
    let mut agent = Agent::start(provider.config(&[&node], 1, prover));
    node.challenge(Challenged { answer_in_ms: 2500, ..Challenged::new(1) }.json());
    let accepted = agent
        .wait(|event| match event {
            AgentEvent::TooLate { accepted, .. } => Some(*accepted),
            _ => None,
        })
        .await;
    assert_eq!(accepted, 0);
    agent.stop().await;
}

#[tokio::test]
async fn proof_file_by_statement_that_comes_late_is_found() {
    let provider = Provider::new();
    let mut node = Node::start(Speaks::PollOnly).await;
    let folder = Prover::Directory(provider.folder.path().to_owned());
    let mut agent = Agent::start(provider.config(&[&node], 1, folder));
    let challenged = Challenged::new(1);
    node.challenge(challenged.json());
    let reason = agent.wait(failed).await;
    assert!(reason.contains(&format!("{}.json", job(1))), "{reason}");
    fs::write(provider.path(&format!("{}.json", statement_hash())), proved()).unwrap();
    agent.wait(signed).await;
    provider.require_signed(&node.submission().await, &challenged);
    agent.stop().await;
}

#[tokio::test]
async fn challenges_of_others_are_not_taken() {
    let provider = Provider::new();
    let mut node = Node::start(Speaks::PollOnly).await;
    let prover = provider.script("cat proved.json");
    let mut agent = Agent::start(provider.config(&[&node], 1, prover));
    let mut foreign = Challenged::new(1).json();
    foreign["ledger_id"] = json!(B256::repeat_byte(0x99));
    let mut not_ours = Challenged::new(2).json();
    not_ours["provider"] = json!(HUB);
    let ours = Challenged::new(3);
    for challenge in [foreign, not_ours, json!({"job_id": 5}), ours.json()] {
        node.challenge(challenge);
    }
    agent.wait(signed).await;
    provider.require_signed(&node.submission().await, &ours);
    agent.stop().await;
    assert!(node.taken().is_empty());
}

#[tokio::test]
async fn agent_told_to_stop_kills_its_prover() {
    let provider = Provider::new();
    let node = Node::start(Speaks::StreamAndPoll).await;
    let prover = provider.script("mkfifo started; echo $$ > pid; echo > started; sleep 600");
    let mut agent = Agent::start(provider.config(&[&node], 1, prover));
    node.challenge(Challenged::new(1).json());
    agent.wait(|event| matches!(event, AgentEvent::Challenged { .. }).then_some(())).await;
    let fifo = provider.path("started");
    let started = async {
        while !fifo.exists() {
            tokio::task::yield_now().await;
        }
        tokio::fs::read(&fifo).await.unwrap();
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), started).await.unwrap();
    agent.stop().await;
    let pid = fs::read_to_string(provider.path("pid")).unwrap();
    let gone = async {
        while runs(pid.trim()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.unwrap();
}
