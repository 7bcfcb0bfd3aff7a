//! What this node has done since it started.

use aggregator::{Execution, SubmitterEvent};
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use protocol::{ledger::Event, outcome::Verdict};

/// Counters of blocks, jobs, verifications and submissions.
#[derive(Debug)]
pub(crate) struct Work {
    /// Blocks applied.
    pub(crate) blocks: Counter,
    /// Warnings of the operator.
    pub(crate) warnings: Counter,
    /// Group signatures combined here.
    pub(crate) signatures: Counter,
    /// Verifications finished.
    pub(crate) verifications: Counter,
    /// Times that a chain could not be read.
    pub(crate) chain_troubles: Counter,
    /// Re-organisations below finality.
    pub(crate) chain_reorgs: Counter,
    /// Looks of the submitter that came to nothing.
    pub(crate) submitter_troubles: Counter,
    /// Responses refused at the API.
    pub(crate) responses_refused: Counter,
    jobs_opened: Counter,
    jobs_valid: Counter,
    jobs_invalid: Counter,
    jobs_missed: Counter,
    jobs_inconclusive: Counter,
    submissions: Counter,
    submission_gas: Counter,
    submissions_reverted: Counter,
    submissions_settled: Counter,
    submissions_reorged: Counter,
    submissions_too_dear: Counter,
    submissions_not_taken: Counter,
    nonces_taken: Counter,
}

impl Work {
    /// Counters at zero.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        Self {
            blocks: counter("blocks", "Blocks applied since start"),
            warnings: counter("warnings", "Warnings since start, see the log"),
            signatures: counter("group_signatures", "Group signatures combined here"),
            verifications: counter("verifications", "Responses verified"),
            chain_troubles: counter("chain_troubles", "Times that a chain could not be read"),
            chain_reorgs: counter("chain_reorgs", "Re-organisations above the last final block"),
            submitter_troubles: counter(
                "submitter_troubles",
                "Times that the submitter could not look at its chain",
            ),
            responses_refused: counter("responses_refused", "Responses refused at the API"),
            jobs_opened: counter("jobs_opened", "Jobs opened"),
            jobs_valid: counter("jobs_valid", "Jobs concluded Valid"),
            jobs_invalid: counter("jobs_invalid", "Jobs concluded Invalid"),
            jobs_missed: counter("jobs_missed", "Jobs concluded Missed"),
            jobs_inconclusive: counter("jobs_inconclusive", "Jobs concluded Inconclusive"),
            submissions: counter("submissions", "Submissions sent, replacements included"),
            submission_gas: counter("submission_gas", "Gas of mined submissions"),
            submissions_reverted: counter("submissions_reverted", "Submissions that reverted"),
            submissions_settled: counter("submissions_settled", "Submissions deep in the chain"),
            submissions_reorged: counter(
                "submissions_reorged",
                "Transactions that were in a block and are not any more",
            ),
            submissions_too_dear: counter(
                "submissions_too_dear",
                "Times that the chain began to ask more than fee_max_wei",
            ),
            submissions_not_taken: counter(
                "submissions_not_taken",
                "Times that a node rejected a transaction, or its pool was full",
            ),
            nonces_taken: counter(
                "nonces_taken",
                "Nonces of this account that another process used, or holds up",
            ),
        }
    }

    /// Counts what a block brought about.
    pub(crate) fn ledger(&self, event: &Event) {
        match event {
            Event::Opened { .. } => self.jobs_opened.inc(),
            Event::Concluded(outcome) => match outcome.judgement.verdict {
                Verdict::Valid => self.jobs_valid.inc(),
                Verdict::Invalid => self.jobs_invalid.inc(),
                Verdict::Missed => self.jobs_missed.inc(),
                Verdict::Inconclusive => self.jobs_inconclusive.inc(),
            },
            _ => 0,
        };
    }

    /// Counts what the submitter did.
    pub(crate) fn submitted(&self, event: &SubmitterEvent) {
        match event {
            SubmitterEvent::Submitting { .. } => {
                self.submissions.inc();
            }
            SubmitterEvent::Mined { gas_used, end, .. } => {
                self.submission_gas.inc_by(*gas_used);
                if *end == Execution::Reverted {
                    self.submissions_reverted.inc();
                }
            }
            SubmitterEvent::Settled { .. } => {
                self.submissions_settled.inc();
            }
            SubmitterEvent::Reorged { .. } => {
                self.submissions_reorged.inc();
            }
            SubmitterEvent::FeesTooHigh { .. } => {
                self.submissions_too_dear.inc();
            }
            SubmitterEvent::Rejected { .. } | SubmitterEvent::PoolFull { .. } => {
                self.submissions_not_taken.inc();
            }
            SubmitterEvent::NonceTaken { .. } | SubmitterEvent::TakingOver { .. } => {
                self.nonces_taken.inc();
            }
            SubmitterEvent::Cancelling { .. }
            | SubmitterEvent::SettledElsewhere { .. }
            | SubmitterEvent::BalanceLow { .. }
            | SubmitterEvent::Refused { .. } => {}
        }
    }
}
