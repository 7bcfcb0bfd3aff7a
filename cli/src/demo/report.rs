use std::fmt;

use alloy_primitives::{B256, U256};
use serde::Serialize;

use super::job::{JobResult, short};
use crate::table::Table;

/// Smallest units in a token.
const TOKEN: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
/// Smallest units in a hundredth of a token.
const HUNDREDTH: U256 = U256::from_limbs([10_000_000_000_000_000, 0, 0, 0]);

/// What the demo showed: what `--json` writes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Whether each part ended as it must.
    pub ok: bool,
    /// The jobs.
    pub jobs: Vec<JobResult>,
    /// Height and state digest that every operator came to.
    pub state: Option<(u64, B256)>,
    /// The state digest that the audit derived from the exported ledger.
    pub audited: Option<B256>,
    /// Why it ended early.
    pub error: Option<String>,
    /// From the start of the first process.
    pub seconds: f64,
}

impl Report {
    /// Whether each part ended as it must.
    pub(super) fn judge(&mut self, jobs: usize) {
        let jobs_ok =
            self.jobs.len() == jobs && self.jobs.iter().all(|job| job.problems.is_empty());
        let digest = self.state.map(|(_, digest)| digest);
        self.ok = self.error.is_none() && jobs_ok && digest.is_some() && self.audited == digest;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new([
            "job",
            "case",
            "kind",
            "verdict",
            "attested",
            "gas submit",
            "gas settle",
            "escrow",
            "paid",
            "refunded",
            "slashed",
            "provider has",
            "consumer has",
            "",
        ]);
        for result in &self.jobs {
            table.row(vec![
                format!("{} {}", result.job.job_index, short(result.job.job_id)),
                result.title.into(),
                result.kind.into(),
                format!("{:?}", result.verdict),
                format!("{:.1} s", result.attested_after_s),
                result.submit_gas.to_string(),
                result.settle_gas.to_string(),
                result.escrow.into(),
                tokens(result.provider_paid),
                tokens(result.consumer_refunded),
                tokens(result.provider_slashed),
                tokens(result.provider_balance),
                tokens(result.consumer_balance),
                if result.problems.is_empty() { "ok".into() } else { "WRONG".into() },
            ]);
        }
        write!(formatter, "{table}")?;
        for (result, problem) in
            self.jobs.iter().flat_map(|job| job.problems.iter().map(move |it| (job, it)))
        {
            writeln!(formatter, "job {}: {problem}", result.job.job_index)?;
        }
        if let Some((height, digest)) = self.state {
            writeln!(formatter, "every operator is at height {height} with state {digest}")?;
        }
        match self.audited {
            Some(digest) => writeln!(formatter, "the audit derives        state {digest}")?,
            None => writeln!(formatter, "the exported ledger was not audited")?,
        }
        if let Some(error) = &self.error {
            writeln!(formatter, "ended early: {error}")?;
        }
        let end = if self.ok { "as it must be" } else { "NOT as it must be" };
        write!(formatter, "{end}, after {:.0} s", self.seconds)
    }
}

/// An amount in tokens with two decimals.
fn tokens(amount: U256) -> String {
    format!("{}.{:02}", amount / TOKEN, amount % TOKEN / HUNDREDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_in_tokens() {
        assert_eq!(tokens(U256::ZERO), "0.00");
        assert_eq!(tokens(TOKEN * U256::from(9) + HUNDREDTH * U256::from(90)), "9.90");
        assert_eq!(tokens(HUNDREDTH - U256::from(1)), "0.00");
    }

    #[test]
    fn report_without_an_audit_is_not_ok() {
        let mut report = Report { state: Some((1, B256::ZERO)), ..Report::default() };
        report.judge(0);
        assert!(!report.ok);
        report.audited = Some(B256::ZERO);
        report.judge(0);
        assert!(report.ok);
        report.judge(1);
        assert!(!report.ok);
    }
}
