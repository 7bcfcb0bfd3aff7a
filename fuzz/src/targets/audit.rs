use std::sync::LazyLock;

use alloy_primitives::{B256, Bytes};
use arc_malachitebft_core_types::{CommitCertificate, CommitSignature, NilOrVal, Round, VoteType};
use audit::{Exporter, MAX_FINDINGS, Options, Record, Report, verify};
use consensus::{BlockId, ConsensusKey, encode_certificate, vote_digest};
use protocol::{block::Block, bytes::block_id, fact::Fact, genesis::Genesis, ids::Height};
use simulations::{Options as WorldOptions, World, provider::Behaviour};

use super::block::STATES;
use crate::committee;
use crate::seed::{Seed, formed};

/// Virtual time that the modelled committee may take.
const LIMIT_MS: u64 = 300_000;

/// The committee's genesis record; its members' bundle keys are their consensus keys too.
static BEGINNING: LazyLock<(Genesis, Vec<u8>)> = LazyLock::new(|| {
    let (genesis, _, _) = committee::genesis();
    let record = Record::Genesis {
        format: audit::FORMAT.into(),
        version: audit::VERSION,
        ledger_id: genesis.ledger_id(),
        genesis: Box::new(genesis.clone()),
    };
    let line = record.line().expect("memory");
    (genesis, line)
});

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    if form % 2 == 0 {
        judge(bytes);
        return;
    }
    // The fuzzer's body as the first block, with a quorum's certificate.
    let (genesis, beginning) = &*BEGINNING;
    let keys: Vec<ConsensusKey> =
        (1..=4).map(|seed| ConsensusKey::from_bytes(&[seed; 32]).expect("a key")).collect();
    let id = block_id(genesis.ledger_id(), Height(1), bytes);
    let certificate = certificate(genesis, Height(1), id, &keys);
    let block = Record::Block { height: 1, body: Bytes::copy_from_slice(bytes), certificate };
    let line = block.line().expect("memory");
    let report = judge(&[beginning.as_slice(), &line].concat()).expect("it begins as it should");
    assert!(!report.verified, "a file without its end was verified");
}

/// The report never contradicts itself.
fn judge(file: &[u8]) -> Option<Report> {
    let report = verify(file, &Options::default(), &mut ()).ok()?;
    assert_eq!(report.verified, report.findings.is_empty());
    assert!(report.findings.len() <= MAX_FINDINGS);
    assert!(report.counts.bytes <= file.len() as u64);
    assert!(report.counts.certificates >= report.counts.blocks);
    Some(report)
}

fn certificate(genesis: &Genesis, height: Height, id: B256, keys: &[ConsensusKey]) -> Bytes {
    let (round, value_id) = (Round::new(0), BlockId(id.0));
    let ledger = genesis.ledger_id().0;
    let digest =
        vote_digest(&ledger, VoteType::Precommit, height.0, round, NilOrVal::Val(value_id));
    let vote = |key: &ConsensusKey| {
        CommitSignature::new(key.public_key().address(), key.sign(&digest).expect("a digest"))
    };
    encode_certificate(&CommitCertificate {
        height: consensus::Height(height.0),
        round,
        value_id,
        commit_signatures: keys.iter().take(3).map(vote).collect(),
    })
    .into()
}

/// The export of a modelled committee with two jobs.
fn export() -> Vec<u8> {
    let mut world = World::new(WorldOptions::default());
    world.run_until(LIMIT_MS, |world| {
        world.operators().all(|operator| operator.ledger().group().is_some())
    });
    let jobs = [world.request(1, Behaviour::Silent), world.request(2, Behaviour::Equivocating)];
    let done =
        world.run_until(LIMIT_MS, |world| jobs.iter().all(|job| world.outcomes.contains_key(job)));
    assert!(done, "no outcomes: {:?}", world.warnings);
    // Keys as the world derives them, in the genesis' order.
    let genesis = world.genesis().clone();
    let derived = (0..4u8).filter_map(|place| {
        let parts = [&WorldOptions::default().seed.to_be_bytes(), b"operator".as_slice(), &[place]];
        let operator = alloy_primitives::keccak256(parts.concat());
        ConsensusKey::from_bytes(&alloy_primitives::keccak256(operator).0).ok()
    });
    let keys: Vec<ConsensusKey> = derived.collect();
    let mut exporter = Exporter::new(Vec::new(), genesis.clone()).expect("memory");
    for ((id, block), height) in world.blocks.iter().zip(1..) {
        let certificate = certificate(&genesis, Height(height), *id, &keys);
        exporter.block(block.encode().into(), certificate).expect("the next block");
    }
    exporter.finish().expect("memory").0
}

pub(super) fn seeds() -> Vec<Seed> {
    let file = export();
    let report = verify(file.as_slice(), &Options::default(), &mut ()).expect("an export");
    assert!(report.verified, "{:?}", report.findings);
    let fresh = STATES.fresh();
    let key =
        |at: usize| fresh.bundle(at, vec![Fact::CeremonyKey { round: 1, key: [at as u8; 32] }]);
    let block = Block {
        state_digest: fresh.ledger.digest(),
        bundles: (0..4).map(key).collect(),
        signatures: vec![],
    };
    vec![
        formed("export", 0, file),
        formed("genesis-alone", 0, &BEGINNING.1),
        formed("block", 1, block.encode()),
    ]
}
