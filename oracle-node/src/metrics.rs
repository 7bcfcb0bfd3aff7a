//! Counters, in Prometheus' text form.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use aggregator::{Execution, SubmitterEvent};
use protocol::{ledger::Event, outcome::Verdict};

use crate::views::View;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident => $metric:literal, $help:literal;)*) => {
        /// What this node has done since it started.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[$doc])* pub $name: AtomicU64,)*
        }

        impl Metrics {
            fn write_counters(&self, text: &mut String) {
                $(
                    let value = self.$name.load(Relaxed);
                    let _ = writeln!(
                        text,
                        "# HELP {0} {1}\n# TYPE {0} counter\n{0} {value}",
                        $metric, $help
                    );
                )*
            }
        }
    };
}

counters! {
    /// Blocks applied.
    blocks => "assay_blocks_total", "Blocks applied since start.";
    /// Facts of this operator that the ledger skipped.
    warnings => "assay_warnings_total", "Warnings since start, see the log.";
    /// Jobs opened.
    jobs_opened => "assay_jobs_opened_total", "Jobs opened.";
    /// Jobs concluded `Valid`.
    jobs_valid => "assay_jobs_valid_total", "Jobs concluded Valid.";
    /// Jobs concluded `Invalid`.
    jobs_invalid => "assay_jobs_invalid_total", "Jobs concluded Invalid.";
    /// Jobs concluded `Missed`.
    jobs_missed => "assay_jobs_missed_total", "Jobs concluded Missed.";
    /// Jobs concluded `Inconclusive`.
    jobs_inconclusive => "assay_jobs_inconclusive_total", "Jobs concluded Inconclusive.";
    /// Group signatures combined here.
    signatures => "assay_group_signatures_total", "Group signatures combined here.";
    /// Verifications finished.
    verifications => "assay_verifications_total", "Responses verified.";
    /// Submissions sent.
    submissions => "assay_submissions_total", "Submissions sent, replacements included.";
    /// Gas of mined submissions.
    submission_gas => "assay_submission_gas_total", "Gas of mined submissions.";
    /// Submissions that were mined and did nothing.
    submissions_reverted => "assay_submissions_reverted_total", "Submissions that reverted.";
    /// Chain reads that failed.
    chain_troubles => "assay_chain_troubles_total", "Times that a chain could not be read.";
    /// Responses refused at the API.
    responses_refused => "assay_responses_refused_total", "Responses refused at the API.";
}

impl Metrics {
    /// Counts what a block brought about.
    pub fn ledger(&self, event: &Event) {
        match event {
            Event::Opened { .. } => self.jobs_opened.fetch_add(1, Relaxed),
            Event::Concluded(outcome) => match outcome.judgement.verdict {
                Verdict::Valid => self.jobs_valid.fetch_add(1, Relaxed),
                Verdict::Invalid => self.jobs_invalid.fetch_add(1, Relaxed),
                Verdict::Missed => self.jobs_missed.fetch_add(1, Relaxed),
                Verdict::Inconclusive => self.jobs_inconclusive.fetch_add(1, Relaxed),
            },
            _ => 0,
        };
    }

    /// Counts what the submitter did.
    pub fn submitted(&self, event: &SubmitterEvent) {
        match event {
            SubmitterEvent::Submitting { .. } => {
                self.submissions.fetch_add(1, Relaxed);
            }
            SubmitterEvent::Mined { gas_used, end, .. } => {
                self.submission_gas.fetch_add(*gas_used, Relaxed);
                if *end == Execution::Reverted {
                    self.submissions_reverted.fetch_add(1, Relaxed);
                }
            }
            _ => {}
        }
    }

    /// Everything as Prometheus reads it (text exposition format 0.0.4).
    pub fn text(&self, view: &View, host: &host::Metrics) -> String {
        let mut text = String::new();
        self.write_counters(&mut text);
        let status = &view.status;
        let gauges: [(&str, &str, u64); 9] = [
            ("assay_height", "Last decided height.", status.height),
            ("assay_ledger_time_ms", "Ledger time, unix milliseconds.", status.ledger_time_ms),
            ("assay_open_jobs", "Jobs between opening and conclusion.", status.open_jobs),
            ("assay_has_share", "1 with a share of the group key.", u64::from(status.has_share)),
            ("assay_peers", "Connected operators.", host.peers),
            ("assay_rounds_failed", "Consensus rounds that failed.", host.rounds_failed),
            ("assay_heights_synced", "Heights taken over from others.", host.synced),
            (
                "assay_gossip_dropped",
                "Gossip dropped because the node was busy.",
                host.gossip_dropped,
            ),
            ("assay_equivocations", "Conflicting votes or proposals seen.", host.equivocations),
        ];
        for (name, help, value) in gauges {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        }
        let _ = writeln!(
            text,
            "# HELP assay_chain_finalized Last final block that was read.\n# TYPE assay_chain_finalized gauge"
        );
        for chain in &status.chains {
            let _ = writeln!(
                text,
                "assay_chain_finalized{{chain_id=\"{}\"}} {}",
                chain.chain_id, chain.finalized
            );
        }
        text
    }
}
