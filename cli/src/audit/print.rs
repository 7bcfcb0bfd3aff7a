//! An audit, for people.

use std::fmt::Display;

use super::verify::Audited;
use crate::table::Table;

pub(super) fn report(audited: &Audited) {
    let (report, counts) = (&audited.report, &audited.report.counts);
    let line = |name: &str, value: &dyn Display| println!("{name:<14}{value}");
    line("file", &audited.file.display());
    line("ledger", &report.ledger_id);
    line("height", &report.height);
    line("block", &report.block_id);
    line("state digest", &report.state_digest);
    line("committee", &format!("{} members, quorum {}", report.members, report.quorum));
    line("group key", &report.group_key.as_deref().unwrap_or("none yet"));
    println!();

    let mut table = Table::new(["checked", "count", "of which"]);
    let mut row = |what: &str, count: u64, more: String| {
        table.row(vec![what.into(), count.to_string(), more]);
    };
    row("records", counts.records, format!("{} bytes", counts.bytes));
    row("blocks", counts.blocks, String::new());
    row("commit certificates", counts.certificates, format!("{} votes", counts.votes));
    row("bundles", counts.bundles, String::new());
    row("facts", counts.facts, format!("{} without effect", counts.facts_skipped));
    let signatures =
        counts.beacons.saturating_add(counts.attestations).saturating_add(counts.key_proofs);
    let kinds = format!(
        "{} beacons, {} attestations, {} key proofs",
        counts.beacons, counts.attestations, counts.key_proofs
    );
    row("group signatures", signatures, kinds);
    row("jobs", counts.jobs_opened, format!("{} still open", report.jobs_open));
    let (jobs, ended) = (counts.jobs, counts.jobs.total());
    let verdicts = format!(
        "{} valid, {} invalid, {} missed, {} inconclusive",
        jobs.valid, jobs.invalid, jobs.missed, jobs.inconclusive
    );
    row("outcomes", ended, verdicts);
    let origins = format!(
        "{} concluded by the ledger, {} not in the file",
        counts.by_ledger, counts.not_rejudged
    );
    row("judged again", counts.rejudged, origins);
    let attested = report.hubs.iter().map(|hub| hub.attested).sum::<u64>();
    row("batches", counts.batches, format!("{attested} outcomes attested"));
    for hub in &audited.chain {
        let more = format!(
            "{} pending, {} settlements, hub {} at block {}",
            hub.pending, hub.attested_logs, hub.hub, hub.block
        );
        row("settled on chain", hub.settled, more);
    }
    print!("{table}");
    println!();

    for node in &audited.nodes {
        println!("{} {}: {}", mark(node.equal), node.node, node.what);
    }
    for finding in &report.findings {
        let job = finding.job.map_or_else(String::new, |job| format!(", job {job}"));
        println!(
            "WRONG record {} (byte {}), height {}{job}: {}",
            finding.record, finding.offset, finding.height, finding.what
        );
    }
    if report.findings_left_off > 0 {
        println!("and {} findings more", report.findings_left_off);
    }
    for hub in &audited.chain {
        for finding in &hub.findings {
            println!("WRONG chain {}, hub {}: {finding}", hub.chain_id, hub.hub);
        }
    }
    println!("{}", if audited.ok { "everything holds" } else { "NOT everything holds" });
}

fn mark(equal: bool) -> &'static str {
    if equal { "same " } else { "WRONG" }
}
