//! The core's effects, noted in their order.

use std::convert::Infallible;

use arc_malachitebft_core_consensus::{
    Effect, Error, Input, LivenessMsg, Resumable, Resume, SignedConsensusMsg, State, process,
};
use arc_malachitebft_core_types::{CommitCertificate, Round, Timeout, ValueResponse};
use arc_malachitebft_signing::VerifierExt;
use consensus::{Address, BlockId, Height, LedgerContext};

use super::{Keys, Message};

/// An entry of the write-ahead log.
pub type Entry = Input<LedgerContext>;

/// What the core asked for, in order.
pub(super) enum Output {
    Append(u64, Box<Entry>),
    Sync,
    Publish { height: u64, message: Message },
    Schedule(Timeout),
    Cancel(Timeout),
    CancelAll,
    StartedRound(Round),
    GetValue { height: Height, round: Round, timeout: Timeout },
    Restream { height: Height, round: Round, valid_round: Round, id: BlockId },
    Decide(CommitCertificate<LedgerContext>),
    Finalize { height: u64, equivocators: Vec<Address> },
    Synced { value: Box<ValueResponse<LedgerContext>>, proposer: Address },
    SyncRejected,
}

type Handler<'a> = &'a mut dyn FnMut(Effect<LedgerContext>) -> Resume<LedgerContext>;
type Run = dyn FnMut(
        &mut State<LedgerContext>,
        Input<LedgerContext>,
        Handler<'_>,
    ) -> Result<(), Box<Error<LedgerContext>>>
    + Send;

/// Runs the core on one input at a time.
pub(super) struct Process(Box<Run>);

impl Process {
    pub(super) fn new() -> Self {
        // The type of metrics depends on what else is built; none are looked at.
        let metrics = (Default::default(),);
        Self(Box::new(move |state, input, handle| {
            process!(
                input: input,
                state: state,
                metrics: &metrics.0,
                with: effect => Ok::<_, Infallible>(handle(effect))
            )
        }))
    }

    /// What follows from an input; while the log is replayed, nothing is written to it.
    pub(super) fn run(
        &mut self,
        state: &mut State<LedgerContext>,
        keys: &Keys,
        replaying: bool,
        input: Input<LedgerContext>,
        outputs: &mut Vec<Output>,
    ) -> Result<(), Box<Error<LedgerContext>>> {
        let mut handler = |effect| handle(effect, keys, replaying, outputs);
        (self.0)(state, input, &mut handler)
    }
}

fn handle(
    effect: Effect<LedgerContext>,
    keys: &Keys,
    replaying: bool,
    outputs: &mut Vec<Output>,
) -> Resume<LedgerContext> {
    let context = LedgerContext;
    let sync = |outputs: &mut Vec<Output>| {
        if !replaying {
            outputs.push(Output::Sync);
        }
    };
    match effect {
        Effect::CancelAllTimeouts(resume) => {
            outputs.push(Output::CancelAll);
            resume.resume_with(())
        }
        Effect::CancelTimeout(timeout, resume) => {
            outputs.push(Output::Cancel(timeout));
            resume.resume_with(())
        }
        Effect::ScheduleTimeout(timeout, resume) => {
            outputs.push(Output::Schedule(timeout));
            resume.resume_with(())
        }
        Effect::StartRound(_, round, _, _, resume) => {
            sync(outputs);
            outputs.push(Output::StartedRound(round));
            resume.resume_with(())
        }
        Effect::PublishConsensusMsg(message, resume) => {
            sync(outputs);
            let height = message.height().0;
            outputs.push(Output::Publish { height, message: Message::Consensus(message) });
            resume.resume_with(())
        }
        Effect::PublishLivenessMsg(message, resume) => {
            outputs.push(liveness(message));
            resume.resume_with(())
        }
        Effect::RepublishVote(vote, resume) => {
            outputs.push(liveness(LivenessMsg::Vote(vote)));
            resume.resume_with(())
        }
        Effect::RepublishRoundCertificate(certificate, resume) => {
            outputs.push(liveness(LivenessMsg::SkipRoundCertificate(certificate)));
            resume.resume_with(())
        }
        Effect::GetValue(height, round, timeout, resume) => {
            outputs.push(Output::GetValue { height, round, timeout });
            resume.resume_with(())
        }
        Effect::RestreamProposal(height, round, valid_round, _, id, resume) => {
            outputs.push(Output::Restream { height, round, valid_round, id });
            resume.resume_with(())
        }
        Effect::CertVerifiedSyncValue(value, proposer, resume) => {
            outputs.push(Output::Synced { value: Box::new(value), proposer });
            resume.resume_with(())
        }
        Effect::CertRejectedSyncValue(_, _, _, resume) => {
            outputs.push(Output::SyncRejected);
            resume.resume_with(())
        }
        Effect::Decide(certificate, _, resume) => {
            sync(outputs);
            outputs.push(Output::Decide(certificate));
            resume.resume_with(())
        }
        Effect::Finalize(certificate, _, evidence, resume) => {
            let votes = evidence.votes.iter().map(|(address, _)| *address);
            let proposals = evidence.proposals.iter().map(|(address, _)| *address);
            let equivocators = votes.chain(proposals).collect();
            outputs.push(Output::Finalize { height: certificate.height.0, equivocators });
            resume.resume_with(())
        }
        Effect::SignVote(vote, resume) => resume.resume_with(keys.sign_vote(vote)),
        Effect::SignProposal(proposal, resume) => resume.resume_with(keys.sign_proposal(proposal)),
        Effect::VerifySignature(message, key, resume) => {
            use arc_malachitebft_core_consensus::ConsensusMsg;
            use arc_malachitebft_signing::Verifier;
            let checked = match message.message {
                ConsensusMsg::Vote(vote) => {
                    Keys::check(keys.verify_signed_vote(&vote, &message.signature, &key))
                }
                ConsensusMsg::Proposal(proposal) => {
                    Keys::check(keys.verify_signed_proposal(&proposal, &message.signature, &key))
                }
            };
            resume.resume_with(checked.is_ok_and(|result| result.is_valid()))
        }
        Effect::VerifyCommitCertificate(certificate, validators, thresholds, resume) => {
            let check =
                keys.verify_commit_certificate(&context, &certificate, &validators, thresholds);
            resume.resume_with(Keys::check(check))
        }
        Effect::VerifyExtendedCommitCertificate(
            certificate,
            validators,
            thresholds,
            policy,
            resume,
        ) => {
            let check = keys.verify_extended_commit_certificate(
                &context,
                &certificate,
                &validators,
                thresholds,
                policy,
            );
            resume.resume_with(Keys::check(check))
        }
        Effect::VerifyPolkaCertificate(certificate, validators, thresholds, resume) => {
            let check =
                keys.verify_polka_certificate(&context, &certificate, &validators, thresholds);
            resume.resume_with(Keys::check(check))
        }
        Effect::VerifyRoundCertificate(certificate, validators, thresholds, resume) => {
            let check =
                keys.verify_round_certificate(&context, &certificate, &validators, thresholds);
            resume.resume_with(Keys::check(check))
        }
        Effect::WalAppend(height, entry, resume) => {
            if !replaying {
                outputs.push(Output::Append(height.0, Box::new(entry)));
            }
            resume.resume_with(())
        }
        // Votes carry no extensions.
        Effect::ExtendVote(_, _, _, _, resume) => resume.resume_with(None),
        Effect::VerifyVoteExtension(_, _, _, _, _, _, resume) => {
            use arc_malachitebft_core_consensus::VoteExtensionError;
            resume.resume_with(Err(VoteExtensionError::InvalidVoteExtension))
        }
    }
}

fn liveness(message: LivenessMsg<LedgerContext>) -> Output {
    let height = match &message {
        LivenessMsg::Vote(vote) => vote.message.height,
        LivenessMsg::PolkaCertificate(certificate) => certificate.height,
        LivenessMsg::SkipRoundCertificate(certificate) => certificate.height,
    };
    Output::Publish { height: height.0, message: Message::Liveness(message) }
}

/// Whether a message is kept to be sent again; the core itself repeats the others.
pub(super) fn is_kept(message: &Message) -> bool {
    matches!(
        message,
        Message::Consensus(SignedConsensusMsg::Vote(_) | SignedConsensusMsg::Proposal(_))
            | Message::Body(_)
            | Message::Wake(_)
    )
}
