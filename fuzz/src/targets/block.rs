use std::sync::LazyLock;

use borsh::{BorshDeserialize, BorshSerialize};
use protocol::{
    block::Block,
    bytes::block_id,
    fact::Fact,
    ids::{JobId, LedgerTime, OperatorIndex},
    ledger::{Ledger, State},
    outcome::Verdict,
    subject::{GroupSignature, Subject},
};

use crate::committee::{Committee, skips};
use crate::seed::{Seed, formed};

/// The ledger at four points of its life.
pub(super) struct States([Committee; 4]);

/// Made once.
pub(super) static STATES: LazyLock<States> = LazyLock::new(|| {
    let mut answering = Committee::with_key();
    answering.challenged_all(&[1, 2]);
    let mut revealing = Committee::with_key();
    let job = revealing.answered(1);
    let reveal = revealing.reveal(job, Verdict::Valid);
    let commits: Vec<_> =
        (0..4).map(|at| (at, vec![revealing.commitment(at, job, &reveal)])).collect();
    let events = revealing.block(commits);
    assert_eq!(skips(&events), [], "the commitments count");
    revealing.pass(1_000);
    States([Committee::new(), Committee::with_key(), answering, revealing])
});

impl States {
    /// Before the group key.
    pub(super) fn fresh(&self) -> &Committee {
        &self.0[0]
    }

    /// With the group key.
    pub(super) fn key(&self) -> &Committee {
        &self.0[1]
    }

    /// With two jobs that wait for answers.
    pub(super) fn answering(&self) -> &Committee {
        &self.0[2]
    }

    /// With a job whose commitments can be opened.
    pub(super) fn revealing(&self) -> &Committee {
        &self.0[3]
    }

    pub(super) fn any(&self, choice: u8) -> &Committee {
        &self.0[usize::from(choice) % self.0.len()]
    }
}

/// What the fuzzer says of a block: facts that members then sign.
#[derive(BorshSerialize, BorshDeserialize)]
struct Draft {
    seconds_later: u16,
    facts: Vec<(u8, Vec<Fact>)>,
    signatures: Vec<GroupSignature>,
}

/// The most blocks that one input decides.
const BLOCKS_MAX: usize = 4;

pub(super) fn run(input: &[u8]) {
    let [form, state, bytes @ ..] = input else { return };
    let committee = STATES.any(*state);
    if form % 2 == 0 {
        let Ok(block) = Block::decode(bytes) else { return };
        assert_eq!(block.encode(), bytes, "a second spelling was read");
        let mut ledger = committee.ledger.clone();
        if ledger.validate(&block).is_ok() {
            apply(&mut ledger, &block);
        }
        return;
    }
    let Ok(drafts) = <Vec<Draft>>::try_from_slice(bytes) else { return };
    let (mut ledger, mut now_ms) = (committee.ledger.clone(), committee.now_ms);
    for draft in drafts.into_iter().take(BLOCKS_MAX) {
        now_ms += 1_000 * u64::from(draft.seconds_later);
        let block = signed(committee, &ledger, now_ms, draft);
        if ledger.validate(&block).is_ok() {
            apply(&mut ledger, &block);
        }
    }
}

fn signed(committee: &Committee, ledger: &Ledger, now_ms: u64, draft: Draft) -> Block {
    let mut bundles: Vec<_> = (draft.facts.into_iter())
        .map(|(member, facts)| {
            let at = usize::from(member % 4);
            let operator = OperatorIndex(u16::from(member % 4));
            let state = ledger.state().member(operator).expect("a member");
            let (number, time) = (state.bundles + 1, LedgerTime(now_ms));
            let bundle = protocol::bundle::Bundle { operator, number, time, facts };
            bundle.sign(ledger.state().ledger_id, &committee.signers[at])
        })
        .collect();
    bundles.sort_by_key(|signed| signed.bundle.operator);
    bundles.dedup_by_key(|signed| signed.bundle.operator);
    Block { state_digest: ledger.digest(), bundles, signatures: draft.signatures }
}

/// Applying is total and deterministic, and the state is one that can be written and read.
fn apply(ledger: &mut Ledger, block: &Block) {
    let height = ledger.state().height.next();
    let id = block_id(ledger.state().ledger_id, height, &block.encode());
    let mut other = ledger.clone();
    let events = ledger.apply(id, block);
    assert_eq!(other.apply(id, block), events);
    assert_eq!(other.digest(), ledger.digest());
    assert_eq!(ledger.state().height, height);
    let written = borsh::to_vec(ledger.state()).expect("memory");
    let read = State::try_from_slice(&written).expect("what was written");
    assert_eq!(read.digest(), ledger.digest());
}

/// A fact of each kind that makes sense while jobs wait for answers.
pub(super) fn every_fact(committee: &Committee) -> Vec<Fact> {
    let job = first_job(committee);
    let reveal = committee.reveal(job, Verdict::Valid);
    let log = committee.ledger.state().group.as_ref().map(|group| group.logs.clone());
    let log = log.unwrap_or_default().into_iter().next().unwrap_or_default();
    vec![
        Fact::Saw(committee.sighting(9)),
        committee.got(job, b"answer"),
        committee.commitment(0, job, &reveal),
        Fact::Reveal { job, reveal },
        Fact::CeremonyKey { round: 1, key: [7; 32] },
        Fact::CeremonyLog { round: 1, log },
    ]
}

pub(super) fn first_job(committee: &Committee) -> JobId {
    *committee.ledger.state().jobs.keys().next().expect("an open job")
}

fn drafted(name: &str, state: u8, drafts: &[Draft]) -> Seed {
    let bytes = borsh::to_vec(drafts).expect("memory");
    // A slice is written as a vector is.
    formed(name, 1, [&[state], bytes.as_slice()].concat())
}

fn by_all(facts: &[Fact]) -> Vec<(u8, Vec<Fact>)> {
    (0..4).map(|member| (member, facts.to_vec())).collect()
}

pub(super) fn seeds() -> Vec<Seed> {
    let answering = STATES.answering();
    let facts = every_fact(answering);
    let bundles = (0..4).map(|at| answering.bundle(at, vec![facts[at].clone()])).collect();
    let state_digest = answering.ledger.digest();
    let whole = Block { state_digest, bundles, signatures: Vec::new() };
    let draft = |seconds_later, facts| Draft { seconds_later, facts, signatures: Vec::new() };

    let revealing = STATES.revealing();
    let job = first_job(revealing);
    let reveal = revealing.reveal(job, Verdict::Valid);

    // A request is seen, its beacon signed.
    let mut seen = Committee::with_key();
    let sight = Fact::Saw(seen.sighting(1));
    let later = [draft(1, by_all(std::slice::from_ref(&sight)))];
    seen.all(&[sight]);
    let beacon = seen.sign(Subject::Beacon { height: seen.ledger.state().height });
    let beacon =
        Block { state_digest: seen.ledger.digest(), bundles: vec![], signatures: vec![beacon] };

    let fresh = STATES.fresh();
    let key = |member: u8| (member, vec![Fact::CeremonyKey { round: 1, key: [member; 32] }]);
    let logs = STATES.key().ledger.state().group.as_ref().map(|group| group.logs.clone());
    let logs = (0..4u8).zip(logs.unwrap_or_default());
    let logs = logs.map(|(member, log)| (member, vec![Fact::CeremonyLog { round: 1, log }]));
    let empty = Block { state_digest: fresh.ledger.digest(), bundles: vec![], signatures: vec![] };
    vec![
        formed("empty", 0, [&[0], empty.encode().as_slice()].concat()),
        formed("whole", 0, [&[2], whole.encode().as_slice()].concat()),
        formed("beacon", 0, [&[1], beacon.encode().as_slice()].concat()),
        drafted("seen", 1, &later),
        drafted(
            "answers",
            2,
            &[draft(1, by_all(&facts)), draft(20, by_all(&[])), draft(20, by_all(&[]))],
        ),
        drafted(
            "reveals",
            3,
            &[draft(1, by_all(&[Fact::Reveal { job, reveal }])), draft(9, by_all(&[]))],
        ),
        drafted("ceremony", 0, &[draft(1, (0..4).map(key).collect()), draft(1, logs.collect())]),
    ]
}
