//! What the next block would lack if it were proposed now.

use protocol::{
    ids::{JobId, OperatorIndex},
    ledger::{Job, Ledger, Phase},
};

use crate::{pool::BundlePool, requests::Requests, responses::Responses, signing::Signing};

/// Heights without a bundle after which a member is not waited for.
const SILENT_HEIGHTS: u64 = 16;

/// What there is, and what is expected of members.
pub(crate) struct Awaited<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) pool: &'a BundlePool,
    pub(crate) requests: &'a Requests,
    pub(crate) responses: &'a Responses,
    pub(crate) signing: &'a Signing,
}

impl Awaited<'_> {
    /// Whether anything is about to come that would change what the block brings about.
    pub(crate) fn any(&self) -> bool {
        if self.signing.awaits_beacon() {
            return true;
        }
        // Each member has one bundle in a block: once all are here, there is nothing to wait for.
        let missing = self.missing();
        !missing.is_empty()
            && (self.requests.unopened(self.ledger).any(|by| self.lacks(&missing, by, self.few()))
                || self.ledger.state().jobs.iter().any(|(id, job)| self.job(&missing, *id, job)))
    }

    /// f+1.
    fn few(&self) -> usize {
        self.ledger.genesis().quorums().f + 1
    }

    /// Members that speak, and whose next bundle is not here.
    fn missing(&self) -> Vec<OperatorIndex> {
        let state = self.ledger.state();
        let speaks = |index: &OperatorIndex| {
            state.member(*index).is_some_and(|member| {
                state.height.0.saturating_sub(member.spoke_at.0) <= SILENT_HEIGHTS
            })
        };
        let indices = self.ledger.genesis().indices();
        indices.filter(|index| !self.pool.has_next(self.ledger, *index)).filter(speaks).collect()
    }

    fn job(&self, missing: &[OperatorIndex], id: JobId, job: &Job) -> bool {
        let quorums = self.ledger.genesis().quorums();
        match job.phase {
            Phase::Challenged => false,
            // Somebody has the answer, and soon all have. Those whose bundle with it comes too late for this block would have
            // to bring it in the next one, instead of their commitments.
            Phase::Answering => {
                let got = |index: &OperatorIndex| job.gots.values().any(|by| by.contains(index));
                (self.responses.holds(id) || !job.gots.is_empty())
                    && self.lacks(missing, got, self.ledger.genesis().members.len())
            }
            Phase::Judging => {
                let committed = |index: &OperatorIndex| job.commitments.contains_key(index);
                self.lacks(missing, committed, self.ledger.genesis().members.len())
            }
            Phase::Revealing => {
                let revealed = |index: &OperatorIndex| job.reveals.contains_key(index);
                self.lacks(missing, revealed, quorums.q)
            }
        }
    }

    /// Whether fewer than `enough` members have stated something or have a bundle here that may,
    /// and one of the missing may yet.
    fn lacks(
        &self,
        missing: &[OperatorIndex],
        stated: impl Fn(&OperatorIndex) -> bool,
        enough: usize,
    ) -> bool {
        let counts =
            |index: &OperatorIndex| stated(index) || self.pool.has_next(self.ledger, *index);
        missing.iter().any(|index| !stated(index))
            && self.ledger.genesis().indices().filter(counts).count() < enough
    }
}
