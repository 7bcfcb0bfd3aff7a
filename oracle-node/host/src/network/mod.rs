//! The network actor: one libp2p swarm for consensus, sync and the application's messages.
//!
//! The engine talks to [`Shim`], an actor with the engine's own message type; it only encodes and hands on
//! to the [`task::Network`] task, which owns the swarm. The task hands what it hears from peers straight to the
//! engine's subscribers, after checking bounds, heights and membership.

pub(crate) mod behaviour;
mod blame;
mod envelope;
mod gossip;
mod messages;
mod meter;
pub(crate) mod peers;
pub(crate) mod penalties;
pub(crate) mod requests;
mod resend;
mod serve;
mod streams;
pub(crate) mod task;
mod votes;

use std::sync::{Arc, PoisonError};

use arc_malachitebft_codec::Codec;
use arc_malachitebft_core_consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_core_types::NilOrVal;
use arc_malachitebft_engine::network::{
    Msg, NetworkEvent, PersistentPeerError, Status, Subscriber,
};
use arc_malachitebft_engine::util::streaming::StreamContent;
use arc_malachitebft_peer::PeerId as EnginePeerId;
use arc_malachitebft_sync::{InboundRequestId, OutboundRequestId};
use consensus::LedgerContext;
use libp2p::Multiaddr;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, async_trait};
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

pub(crate) use envelope::Message;
pub(crate) use messages::stream as task_stream;

use crate::codec::WireCodec;
use crate::driver::SharedBodies;
use crate::event::{PeerKey, Protocol, PublishError, RequestError, Topic};
use crate::offence::Offence;
use crate::statements::{self, Stage};

/// Commands waiting for the swarm.
pub(crate) const COMMANDS_MAX: usize = 1024;

/// Takes the answer to a request of one's own, once.
pub(crate) type AnswerSender = oneshot::Sender<Result<Vec<u8>, RequestError>>;

/// What the swarm's task is asked to do.
pub(crate) enum Command {
    /// All actors are there: let consensus begin.
    Begin,
    Subscribe(Box<dyn Subscriber<NetworkEvent<LedgerContext>>>),
    /// Publish, and send again until `height` is decided.
    Consensus {
        height: u64,
        message: Message,
    },
    Status(Status<LedgerContext>),
    SyncRequest {
        peer: EnginePeerId,
        bytes: Vec<u8>,
        reply: RpcReplyPort<OutboundRequestId>,
    },
    SyncAnswer {
        id: InboundRequestId,
        bytes: Option<Vec<u8>>,
    },
    Publish {
        topic: Topic,
        bytes: Vec<u8>,
        reply: oneshot::Sender<Result<(), PublishError>>,
    },
    Request {
        peer: PeerKey,
        protocol: Protocol,
        bytes: Vec<u8>,
        reply: AnswerSender,
    },
    SetAddresses {
        peer: PeerKey,
        addresses: Vec<Multiaddr>,
    },
    Blame {
        peer: PeerKey,
        offence: Offence,
    },
    Peers(oneshot::Sender<Vec<PeerKey>>),
    Stop(oneshot::Sender<()>),
}

/// The engine's side of the network.
pub(crate) struct Shim {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) bodies: SharedBodies,
}

impl Shim {
    async fn send(&self, command: Command) -> Result<(), ActorProcessingErr> {
        self.commands.send(command).await.map_err(|_| "network has stopped".into())
    }

    async fn publish(&self, height: u64, message: Message) -> Result<(), ActorProcessingErr> {
        statements::tell(Stage::Sent, &message);
        self.send(Command::Consensus { height, message }).await
    }

    /// What this node votes for must not be forgotten.
    fn pin(&self, message: &SignedConsensusMsg<LedgerContext>) {
        let id = match message {
            SignedConsensusMsg::Vote(vote) => match vote.message.block {
                NilOrVal::Val(id) => id,
                NilOrVal::Nil => return,
            },
            SignedConsensusMsg::Proposal(proposal) => proposal.message.block,
        };
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).pin(&id);
    }
}

fn liveness_height(message: &LivenessMsg<LedgerContext>) -> u64 {
    match message {
        LivenessMsg::Vote(vote) => vote.message.height.0,
        LivenessMsg::PolkaCertificate(certificate) => certificate.height.0,
        LivenessMsg::SkipRoundCertificate(certificate) => certificate.height.0,
    }
}

#[async_trait]
impl Actor for Shim {
    type Msg = Msg<LedgerContext>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Subscribe(subscriber) => self.send(Command::Subscribe(subscriber)).await,
            Msg::PublishConsensusMsg(message) => {
                self.pin(&message);
                self.publish(message.height().0, Message::Consensus(message)).await
            }
            Msg::PublishLivenessMsg(message) => {
                self.publish(liveness_height(&message), Message::Liveness(message)).await
            }
            Msg::PublishProposalPart(stream) => match stream.content {
                StreamContent::Data(part) => self.publish(part.height.0, Message::Body(part)).await,
                StreamContent::Fin => Ok(()),
            },
            Msg::BroadcastStatus(status) => self.send(Command::Status(status)).await,
            Msg::OutgoingRequest(peer, request, reply) => match WireCodec.encode(&request) {
                Ok(bytes) => {
                    let bytes = bytes.to_vec();
                    self.send(Command::SyncRequest { peer, bytes, reply }).await
                }
                Err(error) => {
                    warn!(%error, "sync request can't be encoded");
                    Ok(())
                }
            },
            Msg::OutgoingResponse(id, response) => {
                let bytes = WireCodec.encode(&response).map(|bytes| bytes.to_vec());
                self.send(Command::SyncAnswer { id, bytes: bytes.ok() }).await
            }
            Msg::CancelInboundRequest(id) => {
                self.send(Command::SyncAnswer { id, bytes: None }).await
            }
            Msg::DumpState(reply) => {
                let _ = reply.send(None);
                Ok(())
            }
            Msg::UpdatePersistentPeers(_, reply) => {
                let _ = reply.send(Err(PersistentPeerError::NetworkStopped));
                Ok(())
            }
            // A request ends by its answer or its timeout. Operators are known from the configuration, so
            // the engine's own proofs and peer lists are not used.
            Msg::CancelRequest(_)
            | Msg::UpdateValidatorSet(_)
            | Msg::ValidatorProofVerified { .. }
            | Msg::NewEvent(_) => Ok(()),
        }
    }
}

/// A swarm's task and the shim share nothing but the channel.
pub(crate) fn commands() -> (mpsc::Sender<Command>, mpsc::Receiver<Command>) {
    mpsc::channel(COMMANDS_MAX)
}

pub(crate) type SharedProgress = Arc<crate::progress::Progress>;
