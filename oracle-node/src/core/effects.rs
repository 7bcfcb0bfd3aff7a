//! Effects, carried out in their order.

use std::time::Instant;

use alloy_primitives::B256;
use eyre::Result;
use host::{Offence, PeerKey, Protocol};
use operator::{Effect, Fault, JournalKey};
use protocol::{
    ids::{Height, JobId, OperatorIndex},
    ledger::Event,
    response::SignedResponse,
    subject::Subject,
};
use store::Batch;

use super::{Changed, Core, JOURNAL_PREFIX, throttle::Line, writes::After};
use crate::{
    archive::response_key,
    settle::ProvenKey,
    statements::{Stage, tell},
    timeline,
};

/// Writes, and bytes of them, after which a batch is written although nothing waits for it.
const FLUSH_WRITES: usize = 512;
const FLUSH_BYTES: usize = 2 * 1024 * 1024;

/// Bytes of archived responses above which the oldest are dropped.
const ARCHIVED_RESPONSE_BYTES: u64 = 768 * 1024 * 1024;

/// Heights for which responses are kept even then.
const RESPONSE_RETENTION_HEIGHTS: u64 = 1_000;

/// Responses for the archive beyond which it is not left for later.
const ARCHIVING_MAX: usize = 256;

impl Core {
    /// Carries out effects, as [`Core::carry_out_then`] with nothing after them.
    pub(super) async fn carry_out(&mut self, effects: Vec<Effect>, batch: Batch) -> Result<()> {
        self.carry_out_then(effects, batch, After::Nothing).await
    }

    /// Carries out effects. `batch` holds writes that belong to their cause. What must be durable
    /// is so, in one go, before the first effect that anybody sees; the others keep their order.
    pub(super) async fn carry_out_then(
        &mut self,
        effects: Vec<Effect>,
        mut batch: Batch,
        after: After,
    ) -> Result<()> {
        let (mut outward, mut prompt) = (Vec::new(), Vec::new());
        let (mut writes, mut bytes, mut binds) = (0usize, 0usize, false);
        for effect in effects {
            match effect {
                Effect::Persist { key, value: Some(value) } => {
                    binds = true;
                    writes += 1;
                    bytes += value.len();
                    batch.record(&journal_key(&key)?, value);
                }
                // Removed once it is archived.
                Effect::Persist { key: JournalKey::Response(..), value: None } => {}
                Effect::StoreResponse { response, body } => self.archiving.push((response, body)),
                Effect::Persist { key, value: None } => {
                    let with = if batch.is_empty() { &mut self.later } else { &mut batch };
                    with.remove_record(&journal_key(&key)?);
                    writes += 1;
                }
                // What it was made from is erased after it.
                Effect::StoreShare { epoch, round, share } => {
                    self.put(&mut batch, binds).await?;
                    self.drain().await?;
                    self.keys.store_share(epoch, round, &share)?;
                    tracing::info!(%epoch, round, "share of the group key stored");
                }
                Effect::Ledger(event) => self.ledger_event(&event, &mut batch),
                Effect::Warn(warning) => {
                    self.metrics.work.warnings.inc();
                    match self.warnings.line(Instant::now()) {
                        Line::Write { left_out: 0 } => tracing::warn!("{warning}"),
                        Line::Write { left_out } => tracing::warn!(left_out, "{warning}"),
                        Line::LeaveOut => {}
                    }
                }
                // Nothing that an operator could contradict: a verdict is durable before it is committed to; signatures of
                // the group and their parts follow from the decision alone, which the logs of a quorum hold; a wish for a
                // block binds nobody.
                Effect::Verify(_)
                | Effect::Publish { topic: operator::Topic::Partials, .. }
                | Effect::Signed { .. }
                | Effect::WantBlock => {
                    tell(Stage::Signed, &effect);
                    prompt.push(effect);
                }
                seen => {
                    tell(Stage::Signed, &seen);
                    outward.push(seen);
                }
            }
            if writes >= FLUSH_WRITES || bytes >= FLUSH_BYTES {
                self.put(&mut batch, binds).await?;
                self.flush_later().await?;
                (writes, bytes) = (0, 0);
            }
        }
        self.write(batch, outward, after, binds).await?;
        for effect in prompt {
            tell(Stage::Sent, &effect);
            self.outward(effect);
        }
        if self.archiving.len() > ARCHIVING_MAX {
            self.write_later().await?;
        }
        Ok(())
    }

    /// Writes what nothing waits for.
    pub(super) async fn write_later(&mut self) -> Result<()> {
        let responses = std::mem::take(&mut self.archiving);
        if !responses.is_empty() && self.store.response_bytes()? > ARCHIVED_RESPONSE_BYTES {
            let height = self.operator.ledger().state().height.0;
            let oldest = Height(height.saturating_sub(RESPONSE_RETENTION_HEIGHTS));
            let mut batch = Batch::new();
            batch.prune_responses(oldest);
            self.write(batch, Vec::new(), After::Nothing, false).await?;
        }
        for (root, response) in responses {
            let job = response.job;
            let mut batch = Batch::new();
            batch.response(response_key(job, root), job, response.encode());
            self.write(batch, Vec::new(), After::Archived(job, root), false).await?;
        }
        self.flush_later().await
    }

    async fn flush_later(&mut self) -> Result<()> {
        let later = std::mem::take(&mut self.later);
        self.write(later, Vec::new(), After::Nothing, false).await
    }

    /// Puts what there is of a batch in line.
    async fn put(&mut self, batch: &mut Batch, binds: bool) -> Result<()> {
        self.write(std::mem::take(batch), Vec::new(), After::Nothing, binds).await
    }

    pub(super) fn outward(&mut self, effect: Effect) {
        match effect {
            Effect::Publish { topic, bytes } => {
                let topic = match topic {
                    operator::Topic::Bundles => host::Topic::Bundles,
                    operator::Topic::Responses => host::Topic::Responses,
                    operator::Topic::Partials => host::Topic::Partials,
                };
                let host = self.host.clone();
                tokio::spawn(async move {
                    if let Err(error) = host.publish(topic, bytes).await {
                        tracing::debug!(?topic, %error, "not published; it is sent again");
                    }
                });
            }
            Effect::Send { to, bytes } => self.send(to, bytes),
            Effect::Fetch { job, response, from } => self.fetch(job, response, &from),
            Effect::Verify(task) => self.verification.start(*task),
            Effect::WantBlock => {
                self.host.wake(self.operator.ledger().state().height.next().0);
            }
            Effect::Signed { subject, signature } => {
                self.metrics.work.signatures.inc();
                timeline::signed(subject);
                let mut batch = Batch::new();
                self.signed(subject, &signature, &mut batch);
                self.later.append(batch);
            }
            Effect::Blame { member, fault } => {
                if let Some(member) = self.genesis.member(member) {
                    let (host, peer) = (self.host.clone(), PeerKey(member.network_key));
                    tokio::spawn(async move { host.blame(peer, offence(fault)).await });
                }
            }
            Effect::Persist { .. }
            | Effect::StoreResponse { .. }
            | Effect::StoreShare { .. }
            | Effect::Ledger(_)
            | Effect::Warn(_) => {}
        }
    }

    fn send(&self, to: OperatorIndex, bytes: Vec<u8>) {
        let Some(member) = self.genesis.member(to) else { return };
        let (host, peer) = (self.host.clone(), PeerKey(member.network_key));
        tokio::spawn(async move {
            if let Err(error) = host.request(peer, Protocol::Direct, bytes).await {
                tracing::debug!(%to, %error, "not delivered; it is sent again");
            }
        });
    }

    fn fetch(&self, job: JobId, response: B256, from: &[OperatorIndex]) {
        let peers: Vec<PeerKey> = from
            .iter()
            .filter_map(|index| self.genesis.member(*index))
            .map(|member| PeerKey(member.network_key))
            .collect();
        let (host, fetched) = (self.host.clone(), self.fetched.clone());
        let Ok(ask) = borsh::to_vec(&(job, response)) else { return };
        tokio::spawn(async move {
            for peer in peers {
                let Ok(body) = host.request(peer, Protocol::Fetch, ask.clone()).await else {
                    continue;
                };
                match asked_for(job, response, &body) {
                    Some(body) => {
                        let _ = fetched.send((peer, body)).await;
                        return;
                    }
                    // It could have said that it has none.
                    None => host.blame(peer, Offence::WrongAnswer).await,
                }
            }
        });
    }

    /// A signature that this node combined, or found on the ledger.
    fn signed(&mut self, subject: Subject, signature: &[u8; 128], batch: &mut Batch) {
        match subject {
            Subject::Attestation { height, hub } => {
                tracing::info!(%height, hub = hub.0, "outcomes attested");
                self.archive.attestation(hub, height, *signature).write(batch);
            }
            Subject::KeyPossession { hub, epoch } => {
                self.archive.possession(hub, epoch, *signature).write(batch);
                let key = self.operator.ledger().group().map(|group| group.key.to_eip2537());
                if let (Some(key), Some(settler)) = (key, self.settlers.get(usize::from(hub.0))) {
                    let proof = Box::new(*signature);
                    settler.proven.send_replace(Some(ProvenKey {
                        epoch,
                        key: Box::new(key),
                        proof,
                    }));
                }
            }
            // Challenges follow from it.
            Subject::Beacon { .. } => self.changed = Changed::Urgently,
        }
    }

    fn ledger_event(&mut self, event: &Event, batch: &mut Batch) {
        self.metrics.work.ledger(event);
        let height = self.operator.ledger().state().height;
        timeline::applied(height, event);
        match event {
            Event::Skipped { operator, number, position, code } => {
                tracing::debug!(%operator, number, position, %code, "fact skipped");
            }
            Event::Signed { subject, signature } => {
                tracing::debug!(place = %operator::Place::Partial(*subject), %height, "signature on the ledger");
                if let Ok(signature) = threshold::Signature::from_bytes(signature) {
                    self.signed(*subject, &signature.to_eip2537(), batch);
                }
            }
            Event::Opened { job } => {
                tracing::info!(%job, %height, "job opened");
                self.look_for(*job);
            }
            Event::Challenged { job, seed } => {
                tracing::info!(%job, %seed, %height, "job challenged");
            }
            Event::Answered { job, response } => {
                tracing::info!(%job, %response, %height, "job answered");
            }
            Event::RevealsOpened { job } => {
                self.watch_commits(*job);
                tracing::info!(%job, %height, "reveals opened");
            }
            Event::Concluded(outcome) => {
                let judgement = &outcome.judgement;
                tracing::info!(
                    job = %outcome.job, index = outcome.job_index, verdict = ?judgement.verdict,
                    code = judgement.code, value = judgement.value, %height, "job concluded"
                );
            }
            Event::BatchClosed(closed) => {
                tracing::info!(hub = closed.hub.0, %height, acc = %closed.acc, "outcomes closed");
            }
            Event::SignatureDue { subject, message } => {
                tracing::debug!(?subject, %message, "signature due");
            }
            Event::SignatureSkipped { subject } => {
                tracing::debug!(?subject, "signature skipped");
            }
            Event::CeremonyOpened { round } => {
                tracing::info!(round, %height, "key ceremony opened");
            }
            Event::DealingOpened { round } => tracing::info!(round, %height, "dealing opened"),
            Event::CeremonyFailed { round, absent, reason } => {
                tracing::warn!(round, ?absent, reason, "key ceremony failed; the next round opens");
            }
            Event::GroupFormed { epoch, round, absent, revealed } => {
                tracing::info!(%epoch, round, ?absent, "group key formed");
                if *revealed {
                    tracing::error!("ALARM: a share was made public; refresh the key at once");
                }
            }
        }
    }
}

/// A body, if it is the one that was asked for.
fn asked_for(job: JobId, response: B256, body: &[u8]) -> Option<SignedResponse> {
    let body = SignedResponse::decode(body).ok()?;
    (body.job == job && body.hash() == response).then_some(body)
}

/// What a fault is to the host.
pub(super) fn offence(fault: Fault) -> Offence {
    match fault {
        Fault::Malformed => Offence::Malformed,
        Fault::NotMember => Offence::NotMember,
        Fault::BadSignature => Offence::BadSignature,
    }
}

/// The store's key of a journal entry.
///
/// # Errors
/// Never for the keys that exist.
pub(super) fn journal_key(key: &JournalKey) -> Result<Vec<u8>> {
    Ok([JOURNAL_PREFIX, &borsh::to_vec(key)?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_counts_only_if_it_is_the_response_asked_for() {
        let job = JobId(B256::repeat_byte(1));
        let body = SignedResponse { job, parts: vec![b"part".to_vec()], signature: [1; 65] };
        let (hash, bytes) = (body.hash(), body.encode());
        assert_eq!(asked_for(job, hash, &bytes), Some(body.clone()));
        assert_eq!(asked_for(JobId(B256::repeat_byte(2)), hash, &bytes), None);
        assert_eq!(asked_for(job, B256::repeat_byte(3), &bytes), None);
        let other = SignedResponse { parts: vec![b"Part".to_vec()], ..body };
        assert_eq!(asked_for(job, hash, &other.encode()), None);
        assert_eq!(asked_for(job, hash, b"none"), None);
    }
}
