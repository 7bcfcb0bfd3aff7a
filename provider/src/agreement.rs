//! Which challenges enough nodes agree on.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;

use crate::Challenge;

/// The most jobs that one node may speak of while nobody else agrees: a node that makes jobs up
/// fills only its own share.
pub const MAX_OPEN_JOBS_PER_NODE: usize = 256;

/// The most agreed jobs that are remembered; the oldest go first. One that goes while nodes still
/// show it is agreed on again, and the journal knows what was signed for it.
const MAX_AGREED_JOBS: usize = 16_384;

/// How long a job is remembered, in milliseconds; what has been signed is remembered elsewhere.
const MEMORY_MS: u64 = 2 * 60 * 60 * 1000;

/// A challenge that enough nodes agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The challenge, with the latest deadline that one of them named.
    pub challenge: Challenge,
    /// How many nodes agree.
    pub nodes: usize,
}

/// What follows from a node's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// Not enough nodes say this yet.
    Waiting {
        /// How many say it.
        agreeing: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Enough do, for the first time: answer it.
    Agreed(Box<Agreed>),
    /// It is being answered already.
    Known,
    /// Another node says something else of this job, and neither is agreed on. One of them lies.
    Contradiction {
        /// How many different challenges are told of the job.
        versions: usize,
    },
    /// This node contradicts what was agreed on.
    AgainstAgreed,
    /// This node speaks of too many jobs.
    TooMany,
}

#[derive(Debug)]
struct Job {
    first_seen_ms: u64,
    /// What each node says, without the deadline; and the deadline it names.
    words: BTreeMap<usize, (Challenge, Option<u64>)>,
    agreed: Option<Challenge>,
}

/// All that nodes say of open challenges.
#[derive(Debug)]
pub struct Book {
    min_agreeing: usize,
    jobs: BTreeMap<B256, Job>,
}

impl Book {
    /// A book that agrees on what `min_agreeing` nodes say.
    pub fn new(min_agreeing: usize) -> Self {
        Self { min_agreeing, jobs: BTreeMap::new() }
    }

    /// Notes that `node` shows `challenge`. Its last word on a job counts.
    pub fn observe(&mut self, node: usize, challenge: &Challenge, now_ms: u64) -> Observation {
        self.forget_before(now_ms.saturating_sub(MEMORY_MS));
        let id = challenge.job_id;
        if !self.speaks_of(node, id) && self.open_of(node) >= MAX_OPEN_JOBS_PER_NODE {
            return Observation::TooMany;
        }
        let content = challenge.content();
        let job = self.jobs.entry(id).or_insert_with(|| Job {
            first_seen_ms: now_ms,
            words: BTreeMap::new(),
            agreed: None,
        });
        job.words.insert(node, (content.clone(), challenge.answer_by_ms));
        if let Some(agreed) = &job.agreed {
            return if *agreed == content {
                Observation::Known
            } else {
                Observation::AgainstAgreed
            };
        }
        let same = || job.words.values().filter(|(word, _)| *word == content);
        let agreeing = same().count();
        if agreeing >= self.min_agreeing {
            let answer_by_ms = same().filter_map(|(_, deadline)| *deadline).max();
            job.agreed = Some(content.clone());
            let challenge = Challenge { answer_by_ms, ..content };
            self.forget_oldest_agreed();
            return Observation::Agreed(Box::new(Agreed { challenge, nodes: agreeing }));
        }
        let mut versions: Vec<&Challenge> = Vec::new();
        for (word, _) in job.words.values() {
            if !versions.contains(&word) {
                versions.push(word);
            }
        }
        match versions.len() {
            0 | 1 => Observation::Waiting { agreeing, needed: self.min_agreeing },
            versions => Observation::Contradiction { versions },
        }
    }

    /// Takes an agreed job back, so that it can be agreed on again: its answer failed.
    pub fn reopen(&mut self, job: B256) {
        self.jobs.remove(&job);
    }

    /// Jobs that are agreed on and remembered.
    pub fn agreed(&self) -> BTreeSet<B256> {
        self.jobs.iter().filter(|(_, job)| job.agreed.is_some()).map(|(id, _)| *id).collect()
    }

    fn speaks_of(&self, node: usize, job: B256) -> bool {
        self.jobs.get(&job).is_some_and(|job| job.words.contains_key(&node))
    }

    /// Jobs that this node speaks of and that are not agreed on: enough nodes that agree are one
    /// honest node at least, so what they agree on is not made up.
    fn open_of(&self, node: usize) -> usize {
        let open = self.jobs.values().filter(|job| job.agreed.is_none());
        open.filter(|job| job.words.contains_key(&node)).count()
    }

    fn forget_oldest_agreed(&mut self) {
        let agreed = || self.jobs.iter().filter(|(_, job)| job.agreed.is_some());
        if agreed().count() > MAX_AGREED_JOBS {
            let oldest = agreed().min_by_key(|(_, job)| job.first_seen_ms).map(|(id, _)| *id);
            if let Some(id) = oldest {
                self.jobs.remove(&id);
            }
        }
    }

    fn forget_before(&mut self, oldest_ms: u64) {
        self.jobs.retain(|_, job| job.first_seen_ms >= oldest_ms);
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, FixedBytes};

    use super::*;

    fn challenge(job: u64, seed: u8) -> Challenge {
        Challenge {
            ledger_id: Some(B256::repeat_byte(1)),
            job_id: B256::from(alloy_primitives::U256::from(job)),
            job_index: job,
            chain_id: 1,
            hub: Address::repeat_byte(2),
            provider: Some(Address::repeat_byte(3)),
            kind: FixedBytes([1, 2, 3, 4]),
            statement: vec![5].into(),
            seed: B256::repeat_byte(seed),
            answer_by_ms: Some(1000 + u64::from(seed)),
        }
    }

    #[test]
    fn challenge_is_agreed_once_enough_nodes_show_it() {
        let mut book = Book::new(2);
        let first = book.observe(0, &challenge(1, 7), 0);
        assert_eq!(first, Observation::Waiting { agreeing: 1, needed: 2 });
        assert_eq!(book.observe(0, &challenge(1, 7), 0), first, "a node counts once");
        let Observation::Agreed(agreed) = book.observe(1, &challenge(1, 7), 0) else {
            panic!("two of two agree")
        };
        assert_eq!(agreed.challenge, challenge(1, 7));
        assert_eq!(book.observe(2, &challenge(1, 7), 0), Observation::Known);
        assert_eq!(book.agreed().len(), 1);
    }

    #[test]
    fn agreed_jobs_leave_room_for_the_next() {
        let mut book = Book::new(2);
        for job in 0..2 * MAX_OPEN_JOBS_PER_NODE as u64 {
            book.observe(0, &challenge(job, 7), job);
            let second = book.observe(1, &challenge(job, 7), job);
            assert!(matches!(second, Observation::Agreed(_)), "job {job}: {second:?}");
        }
    }

    #[test]
    fn challenge_with_another_seed_does_not_count() {
        let mut book = Book::new(2);
        book.observe(0, &challenge(1, 7), 0);
        let lie = book.observe(1, &challenge(1, 8), 0);
        assert_eq!(lie, Observation::Contradiction { versions: 2 });
        assert!(matches!(book.observe(2, &challenge(1, 7), 0), Observation::Agreed(_)));
        assert_eq!(book.observe(1, &challenge(1, 8), 0), Observation::AgainstAgreed);
        assert_eq!(book.observe(3, &challenge(1, 8), 0), Observation::AgainstAgreed);
    }

    #[test]
    fn every_field_but_the_deadline_must_agree() {
        type Change = fn(&mut Challenge);
        let changes: [Change; 6] = [
            |c| c.job_index += 1,
            |c| c.chain_id += 1,
            |c| c.hub = Address::ZERO,
            |c| c.kind = FixedBytes::ZERO,
            |c| c.statement = vec![].into(),
            |c| c.seed = B256::ZERO,
        ];
        for change in changes {
            let mut book = Book::new(2);
            book.observe(0, &challenge(1, 7), 0);
            let mut other = challenge(1, 7);
            change(&mut other);
            let observed = book.observe(1, &other, 0);
            assert_eq!(observed, Observation::Contradiction { versions: 2 });
        }
    }

    #[test]
    fn latest_deadline_of_those_who_agree_is_taken() {
        let mut book = Book::new(3);
        for (node, deadline) in [(0, Some(5)), (1, Some(9)), (2, None)] {
            let told = Challenge { answer_by_ms: deadline, ..challenge(1, 7) };
            if let Observation::Agreed(agreed) = book.observe(node, &told, 0) {
                assert_eq!(agreed.challenge.answer_by_ms, Some(9));
                return;
            }
        }
        panic!("three agree");
    }

    #[test]
    fn node_that_makes_jobs_up_leaves_room_for_others() {
        let mut book = Book::new(2);
        for job in 0..MAX_OPEN_JOBS_PER_NODE as u64 {
            book.observe(0, &challenge(1000 + job, 1), 0);
        }
        assert_eq!(book.observe(0, &challenge(1, 7), 0), Observation::TooMany);
        book.observe(1, &challenge(1, 7), 0);
        assert!(matches!(book.observe(2, &challenge(1, 7), 0), Observation::Agreed(_)));
        let later = MEMORY_MS + 1;
        let again = book.observe(0, &challenge(1, 7), later);
        assert_eq!(again, Observation::Waiting { agreeing: 1, needed: 2 });
    }

    #[test]
    fn node_may_correct_itself_before_agreement() {
        let mut book = Book::new(2);
        book.observe(0, &challenge(1, 8), 0);
        book.observe(1, &challenge(1, 7), 0);
        assert!(matches!(book.observe(0, &challenge(1, 7), 0), Observation::Agreed(_)));
    }
}
