//! What each member of the committee did, as the ledger and its certificates show it.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use protocol::{genesis::Genesis, ids::OperatorIndex};

use crate::participation::Seen;

/// Whose counter it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Member {
    /// The operator's address.
    operator: String,
    /// `true` for the one whose node this is.
    own: &'static str,
}

impl Member {
    pub(super) fn of(genesis: &Genesis, index: OperatorIndex, me: OperatorIndex) -> Self {
        let operator = genesis.member(index).map(|member| member.operator.to_string());
        let own = if index == me { "true" } else { "false" };
        Self { operator: operator.unwrap_or_default(), own }
    }
}

type ByMember = Family<Member, Counter>;

/// Counters by member, and how far the committee is from standing still.
#[derive(Debug)]
pub(crate) struct Members {
    labels: Vec<Member>,
    blocks_signed: ByMember,
    blocks_missed: ByMember,
    proposals_decided: ByMember,
    proposals_missed: ByMember,
    commits: ByMember,
    commits_missed: ByMember,
    certificate_signers: Gauge,
    certificate_round: Gauge,
    live: Gauge,
    margin: Gauge,
    /// The clock's distance from the other members', in milliseconds; not a number while unknown.
    pub(crate) clock_offset_ms: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl Members {
    /// Counters at zero for every member.
    pub(super) fn register(registry: &mut Registry, genesis: &Genesis, me: OperatorIndex) -> Self {
        let labels: Vec<Member> =
            genesis.indices().map(|index| Member::of(genesis, index, me)).collect();
        let mut counters = |name: &str, help: &str| {
            let family = ByMember::default();
            for label in &labels {
                let _ = family.get_or_create(label);
            }
            registry.register(name, help, family.clone());
            family
        };
        let blocks_signed =
            counters("blocks_signed", "Commit certificates that hold the operator's vote");
        let blocks_missed = counters(
            "blocks_missed",
            "Commit certificates without the operator's vote; they close at a quorum, so some are no fault",
        );
        let proposals_decided =
            counters("proposals_decided", "Blocks decided that the operator proposed");
        let proposals_missed =
            counters("proposals_missed", "Rounds of the operator's that ended without a decision");
        let commits =
            counters("commits", "Jobs to whose answer the operator had committed in time");
        let commits_missed = counters(
            "commits_missed",
            "Jobs whose reveals opened without the operator's commitment",
        );
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let certificate_signers =
            gauge("certificate_signers", "Votes in the last commit certificate");
        let certificate_round = gauge("certificate_round", "Round of the last commit certificate");
        let live = gauge(
            "live_members",
            "Members that voted for or proposed one of the latest blocks, this one included",
        );
        let margin = gauge("margin", "Live members above the quorum");
        gauge("members", "Members of the committee")
            .set(i64::try_from(genesis.members.len()).unwrap_or(i64::MAX));
        gauge("quorum", "Members that a decision needs")
            .set(i64::try_from(genesis.quorums().q).unwrap_or(i64::MAX));
        let clock_offset_ms = Gauge::<f64, _>::default();
        clock_offset_ms.set(f64::NAN);
        registry.register(
            "clock_offset_ms",
            "How far this clock is ahead of the other members', the way of a bundle included",
            clock_offset_ms.clone(),
        );
        Self {
            labels,
            blocks_signed,
            blocks_missed,
            proposals_decided,
            proposals_missed,
            commits,
            commits_missed,
            certificate_signers,
            certificate_round,
            live,
            margin,
            clock_offset_ms,
        }
    }

    fn count(&self, family: &ByMember, index: OperatorIndex) {
        if let Some(label) = self.labels.get(usize::from(index.0)) {
            family.get_or_create(label).inc();
        }
    }

    fn indices(&self) -> impl Iterator<Item = OperatorIndex> + use<> {
        (0..u16::try_from(self.labels.len()).unwrap_or(u16::MAX)).map(OperatorIndex)
    }

    /// Counts what a commit certificate shows.
    pub(crate) fn certificate(&self, seen: &Seen) {
        for index in self.indices() {
            let signed = seen.signers.contains(&index);
            self.count(if signed { &self.blocks_signed } else { &self.blocks_missed }, index);
        }
        self.count(&self.proposals_decided, seen.proposer);
        for index in &seen.failed {
            self.count(&self.proposals_missed, *index);
        }
        self.certificate_signers.set(i64::try_from(seen.signers.len()).unwrap_or(i64::MAX));
        self.certificate_round.set(i64::from(seen.round));
        self.live.set(i64::try_from(seen.live).unwrap_or(i64::MAX));
        self.margin.set(seen.margin);
    }

    /// Counts who had committed when a job's reveals opened.
    pub(crate) fn committed(&self, to: impl Fn(OperatorIndex) -> bool) {
        for index in self.indices() {
            self.count(if to(index) { &self.commits } else { &self.commits_missed }, index);
        }
    }
}
