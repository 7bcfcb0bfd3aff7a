//! What holds is verified, and what members got wrong is found.

use std::collections::BTreeSet;

use assay_audit::{Conclusion, Materials, Observer, Options, Origin, Verdicts, verify};
use protocol::ledger::Batch;

use crate::support::*;

#[derive(Default)]
struct Heard {
    origins: Vec<(u64, Origin)>,
    batches: usize,
    bytes: u64,
}

impl Observer for Heard {
    fn concluded(&mut self, conclusion: &Conclusion) {
        self.origins.push((conclusion.outcome.job_index, conclusion.origin));
    }
    fn batch(&mut self, batch: &Batch) {
        assert!(!batch.outcomes.is_empty());
        self.batches += 1;
    }
    fn progress(&mut self, bytes: u64, _: u64) {
        assert!(bytes > self.bytes);
        self.bytes = bytes;
    }
}

#[test]
fn export_of_every_ending_is_verified_and_counted() {
    let story = Story::of_every_ending();
    let file = story.export(|_, material| material.clone());
    let height = story.ledger.state().height.0;
    let options = Options { watched: BTreeSet::from([2, height]), ..Options::default() };
    let mut heard = Heard::default();
    let report = verify(file.as_slice(), &options, &mut heard).unwrap();
    assert!(report.verified, "{:?}", report.findings);
    assert_eq!(report.state_digest, story.ledger.digest());
    assert_eq!((report.height, report.ledger_id), (height, story.ledger.state().ledger_id));
    let counts = report.counts;
    assert_eq!(counts.jobs, Verdicts { valid: 1, invalid: 2, missed: 1, inconclusive: 1 });
    assert_eq!((counts.rejudged, counts.by_ledger, counts.not_rejudged), (2, 3, 0));
    assert_eq!((counts.jobs_opened, report.jobs_open), (5, 0));
    assert_eq!((counts.blocks, counts.certificates, counts.votes), (height, height, 3 * height));
    assert_eq!((counts.beacons, counts.attestations, counts.ceremonies), (5, 1, 1));
    assert_eq!((counts.batches, report.hubs[0].batches), (5, 5));
    assert_eq!((report.hubs[0].outcomes, report.hubs[0].attested), (5, 5));
    assert_eq!(counts.bytes, file.len() as u64);
    assert_eq!(counts.records, lines(&file).len() as u64);
    assert_eq!(report.watched[&height], (report.state_digest, report.block_id));
    assert_eq!(report.watched.len(), 2);
    assert_eq!((heard.batches, heard.bytes), (5, file.len() as u64));
    let ledger: Vec<bool> =
        heard.origins.iter().map(|(_, origin)| *origin == Origin::Ledger).collect();
    assert_eq!(ledger, [false, false, true, true, true]);
}

#[test]
fn ledger_without_jobs_is_verified() {
    let file = Story::new().export(|_, material| material.clone());
    assert!(audit(&file).unwrap().verified);
}

#[test]
fn verdict_that_the_proof_refutes_is_found() {
    let mut story = Story::new();
    let job = story.judged(1, 1, |_| VALID);
    let file = story.export(|_, material| material.clone());
    let report = audit(&file).unwrap();
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].job, Some(job.0));
    assert_eq!(report.findings[0].height, story.ledger.state().height.0);
    assert!(report.findings[0].what.contains("judged again it is Invalid (code 200"));
}

#[test]
fn quorum_that_reveals_what_only_the_ledger_may_conclude_is_found() {
    use protocol::outcome::{Verdict, code};
    for judged in
        [(Verdict::Inconclusive, code::NO_QUORUM, 0), (Verdict::Invalid, code::EQUIVOCATED, 0)]
    {
        let mut story = Story::new();
        story.judged(1, 0, |_| judged);
        let found = findings(&story.export(|_, material| material.clone()));
        assert_eq!(found.len(), 1);
        assert!(found[0].1.contains("judged again it is Valid"), "{found:?}");
    }
}

#[test]
fn absent_material_of_a_judged_job_is_found_unless_it_may_be_absent() {
    let mut story = Story::new();
    story.judged(1, 0, |_| VALID);
    for (missing, without) in [
        ("statement", |material: &Material| Material {
            response: None,
            ..Material {
                key: Default::default(),
                statement: Default::default(),
                ..material.clone()
            }
        }),
        ("verifying key", |material: &Material| Material {
            key: Default::default(),
            ..material.clone()
        }),
        ("response", |material: &Material| Material { response: None, ..material.clone() }),
    ] as [(&str, fn(&Material) -> Material); 3]
    {
        let file = story.export(|_, material| without(material));
        let found = findings(&file);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].1.contains(&format!("its {missing} is not in the file")), "{found:?}");
        let options = Options { materials: Materials::Optional, ..Options::default() };
        let report = verify(file.as_slice(), &options, &mut ()).unwrap();
        assert!(report.verified);
        assert_eq!((report.counts.rejudged, report.counts.not_rejudged), (0, 1));
    }
}
