//! Requests: sync and status for the engine, direct messages and fetches for the application.

use arc_malachitebft_codec::Codec;
use arc_malachitebft_engine::network::{NetworkEvent, Status};
use arc_malachitebft_peer::PeerId as EnginePeerId;
use arc_malachitebft_sync::{
    InboundRequestId, OutboundFailureReason, OutboundRequestId as EngineRequestId, Request,
    Response,
};
use consensus::LedgerContext;
use libp2p::PeerId;
use libp2p::request_response::{Event as Exchange, Message, OutboundFailure, ResponseChannel};
use ractor::RpcReplyPort;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::requests::Frame;
use super::task::{Done, Network};
use crate::codec::{StatusBytes, WireCodec};
use crate::config::{REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX};
use crate::event::{Event, PeerKey, Protocol, Request as AppRequest, RequestError};
use crate::offence::Offence;
use crate::rate::{Bucket, Rate};

/// Requests of this node under way.
const REQUESTS_MAX: usize = 256;
/// How far ahead a peer's tip is believed at a time.
const TIP_AHEAD_MAX: u64 = 4096;

/// A protocol of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wire {
    Sync,
    Status,
    Direct,
    Fetch,
}

impl From<Protocol> for Wire {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Direct => Self::Direct,
            Protocol::Fetch => Self::Fetch,
        }
    }
}

impl Wire {
    /// Its place among the counters.
    fn index(self) -> usize {
        match self {
            Self::Sync => 0,
            Self::Status => 1,
            Self::Direct => 2,
            Self::Fetch => 3,
        }
    }

    /// How many requests a peer may send. An operator that catches up asks for eight blocks at a time.
    fn rate(self) -> Rate {
        match self {
            Self::Sync => Rate { per_second: 64, burst: 128 },
            Self::Status => Rate { per_second: 16, burst: 32 },
            Self::Direct => Rate { per_second: 16, burst: 64 },
            Self::Fetch => Rate { per_second: 64, burst: 128 },
        }
    }
}

type Traffic = Exchange<Frame, Frame>;

impl Network {
    pub(super) fn send_sync_request(
        &mut self,
        peer: &EnginePeerId,
        bytes: Vec<u8>,
        reply: RpcReplyPort<EngineRequestId>,
    ) {
        let Some(id) = self.peers.by_engine(peer) else { return };
        let request = self.swarm.behaviour_mut().sync.send_request(&id, Frame::Whole(bytes));
        self.sync_outbound.insert(request, id);
        // The engine's sync may have stopped waiting; the answer is then dropped by it.
        let _ = reply.send(EngineRequestId::new(request));
    }

    pub(super) fn send_sync_answer(&mut self, id: &InboundRequestId, bytes: Option<Vec<u8>>) {
        if let (Some((_, channel)), Some(bytes)) = (self.sync_inbound.remove(id), bytes) {
            // Fails if the peer is gone, which it will notice itself.
            let _ = self.swarm.behaviour_mut().sync.send_response(channel, Frame::Whole(bytes));
        }
    }

    pub(super) fn on_sync(&mut self, event: Traffic) {
        match event {
            Exchange::Message { peer, message, .. } => match message {
                Message::Request { request_id, request, channel } => {
                    if let Some(request) = self.take_request(&peer, Wire::Sync, request) {
                        self.on_sync_request(peer, &request_id.to_string(), request, channel);
                    }
                }
                Message::Response { request_id, response } => {
                    self.sync_outbound.remove(&request_id);
                    let decoded: Option<Response<LedgerContext>> = match self
                        .take_frame(&peer, response)
                        .map(|bytes| WireCodec.decode(bytes.into()))
                    {
                        Some(Err(_)) => {
                            self.refuse(&peer, Offence::Malformed);
                            None
                        }
                        frame => frame.and_then(Result::ok),
                    };
                    if let Some(engine) = self.peers.get(&peer).map(|peer| peer.engine) {
                        let id = EngineRequestId::new(request_id);
                        self.emit(&NetworkEvent::SyncResponse(id, engine, decoded));
                    }
                }
            },
            Exchange::OutboundFailure { peer, request_id, error, .. } => {
                self.sync_outbound.remove(&request_id);
                if let Some(engine) = self.peers.get(&peer).map(|peer| peer.engine) {
                    let id = EngineRequestId::new(request_id);
                    let event = NetworkEvent::SyncRequestFailed(id, engine, reason(&error));
                    self.emit(&event);
                }
            }
            Exchange::InboundFailure { peer, request_id, .. } => {
                let id = InboundRequestId::new(request_id);
                self.sync_inbound.remove(&id);
                if let Some(engine) = self.peers.get(&peer).map(|peer| peer.engine) {
                    self.emit(&NetworkEvent::SyncInboundRequestFailed(id, engine));
                }
            }
            Exchange::ResponseSent { .. } => {}
        }
    }

    fn on_sync_request(
        &mut self,
        peer: PeerId,
        id: &str,
        request: Vec<u8>,
        channel: ResponseChannel<Frame>,
    ) {
        let decoded: Result<Request<LedgerContext>, _> = WireCodec.decode(request.into());
        let (Some(known), Ok(request)) = (self.peers.get(&peer), decoded) else {
            return self.refuse(&peer, Offence::Malformed);
        };
        let engine = known.engine;
        let of_peer = self.sync_inbound.values().filter(|(from, _)| *from == peer).count();
        if of_peer >= self.limits.requests_per_peer {
            self.progress.requests_dropped.add();
            return;
        }
        let id = InboundRequestId::new(id);
        self.sync_inbound.insert(id.clone(), (peer, channel));
        self.emit(&NetworkEvent::SyncRequest(id, engine, request));
    }

    /// Tells every connected operator which heights this node has.
    pub(super) fn send_status(&mut self, status: &Status<LedgerContext>) {
        let status = StatusBytes { tip: status.tip_height, earliest: status.history_min_height };
        let Ok(bytes) = borsh::to_vec(&status) else { return };
        let peers: Vec<PeerId> = self.peers.connected().map(|(id, _)| *id).collect();
        for peer in peers {
            // One that has not taken the last one gets the next.
            if !self.status_outbound.contains_key(&peer) {
                let request = self
                    .swarm
                    .behaviour_mut()
                    .status
                    .send_request(&peer, Frame::Whole(bytes.clone()));
                self.status_outbound.insert(peer, request);
            }
        }
    }

    pub(super) fn on_status(&mut self, event: Traffic) {
        match event {
            Exchange::Message { peer, message, .. } => match message {
                Message::Request { request, channel, .. } => {
                    let Some(request) = self.take_request(&peer, Wire::Status, request) else {
                        return;
                    };
                    let answer = Frame::Whole(Vec::new());
                    let _ = self.swarm.behaviour_mut().status.send_response(channel, answer);
                    let Ok(status) = borsh::from_slice::<StatusBytes>(&request) else {
                        return self.refuse(&peer, Offence::Malformed);
                    };
                    let believed = self.progress.decided().saturating_add(TIP_AHEAD_MAX);
                    self.progress.see(status.tip.0.min(believed));
                    if let Some(engine) = self.peers.get(&peer).map(|peer| peer.engine) {
                        let status = Status::new(status.tip, status.earliest);
                        self.emit(&NetworkEvent::Status(engine, status));
                    }
                }
                Message::Response { .. } => {
                    self.status_outbound.remove(&peer);
                }
            },
            Exchange::OutboundFailure { peer, error, .. } => {
                self.status_outbound.remove(&peer);
                // A peer that takes no status is not there any more, whatever its connection says.
                if matches!(error, OutboundFailure::Timeout) {
                    debug!(%peer, "no sign of life, disconnecting");
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
            Exchange::InboundFailure { .. } | Exchange::ResponseSent { .. } => {}
        }
    }

    pub(super) fn send_app_request(
        &mut self,
        key: PeerKey,
        protocol: Protocol,
        bytes: Vec<u8>,
        reply: super::AnswerSender,
    ) {
        let target = match self.peers.by_key(key) {
            None => Err(RequestError::UnknownPeer),
            Some((_, peer)) if peer.connections == 0 => Err(RequestError::NotConnected),
            Some(_) if bytes.len() > REQUEST_BYTES_MAX => Err(RequestError::TooLong(bytes.len())),
            Some(_) if self.app_outbound.len() >= REQUESTS_MAX => Err(RequestError::Busy),
            Some((id, _)) => Ok(id),
        };
        match target {
            Err(error) => {
                let _ = reply.send(Err(error));
            }
            Ok(id) => {
                let behaviour = self.swarm.behaviour_mut();
                let bytes = Frame::Whole(bytes);
                let request = match protocol {
                    Protocol::Direct => behaviour.direct.send_request(&id, bytes),
                    Protocol::Fetch => behaviour.fetch.send_request(&id, bytes),
                };
                self.app_outbound.insert((protocol, request), reply);
            }
        }
    }

    pub(super) fn on_request(&mut self, protocol: Protocol, event: Traffic) {
        match event {
            Exchange::Message { peer, message, .. } => match message {
                Message::Request { request, channel, .. } => {
                    if let Some(request) = self.take_request(&peer, protocol.into(), request) {
                        self.ask_for_answer(protocol, peer, request, channel);
                    }
                }
                Message::Response { request_id, response } => {
                    let answer = self.take_frame(&peer, response);
                    if let Some(reply) = self.app_outbound.remove(&(protocol, request_id)) {
                        let _ = reply.send(answer.map_or(Err(RequestError::NoAnswer), read_answer));
                    }
                }
            },
            Exchange::OutboundFailure { request_id, error, .. } => {
                debug!(%error, "request failed");
                if let Some(reply) = self.app_outbound.remove(&(protocol, request_id)) {
                    let _ = reply.send(Err(RequestError::NoAnswer));
                }
            }
            Exchange::InboundFailure { .. } | Exchange::ResponseSent { .. } => {}
        }
    }

    /// Refuses what a peer sent to this node itself.
    fn refuse(&mut self, peer: &PeerId, offence: Offence) {
        self.progress.messages_refused.add();
        self.blame(peer, offence);
    }

    /// What a peer has sent, if it was all there and not too long.
    fn take_frame(&mut self, peer: &PeerId, frame: Frame) -> Option<Vec<u8>> {
        match frame {
            Frame::Whole(bytes) => return Some(bytes),
            Frame::TooLong(bytes) => {
                debug!(%peer, bytes, "message is too long");
                self.refuse(peer, Offence::Oversized);
            }
            // A connection may break at any time.
            Frame::CutShort => self.progress.messages_refused.add(),
        }
        None
    }

    /// A request, if its peer may send another now. One that is dropped closes its stream.
    fn take_request(&mut self, peer: &PeerId, wire: Wire, frame: Frame) -> Option<Vec<u8>> {
        let now = Instant::now();
        let rate = self.requests_rate.entry((*peer, wire));
        if rate.or_insert_with(|| Bucket::new(wire.rate(), now)).take(1, now) {
            return self.take_frame(peer, frame);
        }
        let limited = &self.progress.peers_judged.requests_limited;
        if let Some(counter) = limited.get(wire.index()) {
            counter.add();
        }
        // Whoever misses many bodies at once asks for many; who has none to give says so by not answering.
        if wire != Wire::Fetch {
            self.blame(peer, Offence::Flood);
        }
        None
    }

    fn ask_for_answer(
        &mut self,
        protocol: Protocol,
        peer: PeerId,
        bytes: Vec<u8>,
        channel: ResponseChannel<Frame>,
    ) {
        let Some(from) = self.peers.get(&peer).map(|peer| peer.key) else { return };
        let pending = self.answers_pending.entry(peer).or_default();
        let (reply, answer) = oneshot::channel();
        let event = Event::Request(AppRequest { from, protocol, bytes, reply });
        if *pending >= self.limits.requests_per_peer || self.events.try_send(event).is_err() {
            // The channel is dropped with the request: the peer sees that there is no answer.
            self.progress.requests_dropped.add();
            return;
        }
        *pending += 1;
        let patience = self.limits.answer_timeout;
        self.tasks.push(Box::pin(async move {
            let answer = match timeout(patience, answer).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) | Err(_) => None,
            };
            Done::Answered { peer, protocol, channel, answer }
        }));
    }

    pub(super) fn on_answered(
        &mut self,
        peer: PeerId,
        protocol: Protocol,
        channel: ResponseChannel<Frame>,
        answer: Option<Vec<u8>>,
    ) {
        if let Some(pending) = self.answers_pending.get_mut(&peer) {
            *pending = pending.saturating_sub(1);
        }
        let frame = match answer {
            Some(bytes) if bytes.len() <= RESPONSE_BYTES_MAX => {
                self.progress.requests_answered.add();
                let mut frame = vec![1];
                frame.extend_from_slice(&bytes);
                frame
            }
            Some(_) | None => vec![0],
        };
        let behaviour = self.swarm.behaviour_mut();
        let frame = Frame::Whole(frame);
        // Fails if the peer is gone, which it will notice itself.
        let _ = match protocol {
            Protocol::Direct => behaviour.direct.send_response(channel, frame),
            Protocol::Fetch => behaviour.fetch.send_response(channel, frame),
        };
    }
}

fn read_answer(mut frame: Vec<u8>) -> Result<Vec<u8>, RequestError> {
    match frame.first() {
        Some(1) => Ok(frame.split_off(1)),
        Some(_) | None => Err(RequestError::Refused),
    }
}

fn reason(error: &OutboundFailure) -> OutboundFailureReason {
    match error {
        OutboundFailure::DialFailure => OutboundFailureReason::DialFailure,
        OutboundFailure::Timeout => OutboundFailureReason::Timeout,
        OutboundFailure::ConnectionClosed => OutboundFailureReason::ConnectionClosed,
        OutboundFailure::UnsupportedProtocols => OutboundFailureReason::UnsupportedProtocols,
        OutboundFailure::Io(_) => OutboundFailureReason::Io,
    }
}
