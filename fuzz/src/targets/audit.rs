use std::sync::LazyLock;

use alloy_primitives::{B256, Bytes};
use arc_malachitebft_core_types::{CommitCertificate, CommitSignature, NilOrVal, Round, VoteType};
use audit::{MAX_FINDINGS, Options, Record, Report, verify};
use consensus::{BlockId, ConsensusKey, encode_certificate, vote_digest};
use protocol::{block::Block, bytes::block_id, fact::Fact, genesis::Genesis, ids::Height};

use super::block::STATES;
use crate::committee;
use crate::seed::{Seed, formed};

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

/// The export of a committee with two jobs. It is pinned: what the ledger concludes from these blocks
/// must stay the same. When the ledger's rules change, `assay audit export` of a devnet makes another.
const EXPORT: &[u8] = include_bytes!("../../corpus/audit/export");

pub(super) fn seeds() -> Vec<Seed> {
    let (_form, file) = EXPORT.split_first().expect("a form, and the file");
    let report = verify(file, &Options::default(), &mut ()).expect("an export");
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
