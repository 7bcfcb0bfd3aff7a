//! Where a job's time goes: one event a step, for those who measure.
//!
//! They are told at `debug` under a target of their own, [`TARGET`], so that a filter such as
//! `info,assay::timeline=debug` turns on these and nothing else. The devnet benchmark reads them.

use operator::VerifyTask;
use protocol::{
    ids::{Height, JobId},
    ledger::Event,
    subject::Subject,
};

/// What a filter turns these events on by.
pub const TARGET: &str = "assay::timeline";

/// This operator's own endpoint shows a request as final.
pub(crate) fn requested(job: JobId) {
    tracing::debug!(target: TARGET, %job, "requested");
}

/// A block was decided; it is not applied yet.
pub(crate) fn decided(height: Height, bundles: usize) {
    tracing::debug!(target: TARGET, %height, bundles, "decided");
}

/// A response that a provider brought is durable.
pub(crate) fn responded(job: JobId) {
    tracing::debug!(target: TARGET, %job, "responded");
}

/// A verifier begins.
pub(crate) fn verifying(task: &VerifyTask) {
    tracing::debug!(target: TARGET, job = %task.job, "verifying");
}

/// A verifier has ended.
pub(crate) fn verified(job: JobId) {
    tracing::debug!(target: TARGET, %job, "verified");
}

/// The group's signature was combined here.
pub(crate) fn signed(subject: Subject) {
    match subject {
        Subject::Beacon { height } => {
            tracing::debug!(target: TARGET, %height, "beacon signed");
        }
        Subject::Attestation { height, hub } => {
            tracing::debug!(target: TARGET, %height, hub = hub.0, "attestation signed");
        }
        Subject::KeyPossession { .. } => {}
    }
}

/// What a block brought about.
pub(crate) fn applied(height: Height, event: &Event) {
    match event {
        Event::Opened { job } => tracing::debug!(target: TARGET, %height, %job, "opened"),
        Event::Challenged { job, .. } => {
            tracing::debug!(target: TARGET, %height, %job, "challenged");
        }
        Event::Answered { job, .. } => tracing::debug!(target: TARGET, %height, %job, "answered"),
        Event::RevealsOpened { job } => {
            tracing::debug!(target: TARGET, %height, %job, "reveals opened");
        }
        Event::Concluded(outcome) => {
            tracing::debug!(target: TARGET, %height, job = %outcome.job, "concluded");
        }
        Event::BatchClosed(batch) => {
            for outcome in &batch.outcomes {
                tracing::debug!(
                    target: TARGET, %height, job = %outcome.job, hub = batch.hub.0, "batched"
                );
            }
        }
        Event::Skipped { .. }
        | Event::SignatureDue { .. }
        | Event::Signed { .. }
        | Event::SignatureSkipped { .. }
        | Event::CeremonyOpened { .. }
        | Event::DealingOpened { .. }
        | Event::CeremonyFailed { .. }
        | Event::GroupFormed { .. } => {}
    }
}
