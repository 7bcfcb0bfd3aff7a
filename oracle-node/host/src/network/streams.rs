//! Counts how often a peer opens its gossip stream.
//!
//! gossipsub closes a stream on which it reads what it can't, and says so to nobody. An honest peer opens one
//! stream a connection.

use std::task::{Context, Poll};

use libp2p::swarm::handler::{ConnectionEvent, FullyNegotiatedInbound};
use libp2p::swarm::{ConnectionHandler, ConnectionHandlerEvent, SubstreamProtocol};

/// What the handler of a connection tells.
#[derive(Debug)]
pub(crate) enum StreamEvent<T> {
    Inner(T),
    /// A stream after the first.
    OpenedAgain,
}

/// A handler that counts inbound streams.
pub(crate) struct Counted<H> {
    inner: H,
    opened: bool,
    again: u32,
}

impl<H> Counted<H> {
    pub(crate) fn new(inner: H) -> Self {
        Self { inner, opened: false, again: 0 }
    }
}

impl<H: ConnectionHandler> ConnectionHandler for Counted<H> {
    type FromBehaviour = H::FromBehaviour;
    type ToBehaviour = StreamEvent<H::ToBehaviour>;
    type InboundProtocol = H::InboundProtocol;
    type OutboundProtocol = H::OutboundProtocol;
    type InboundOpenInfo = H::InboundOpenInfo;
    type OutboundOpenInfo = H::OutboundOpenInfo;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol, Self::InboundOpenInfo> {
        self.inner.listen_protocol()
    }

    fn connection_keep_alive(&self) -> bool {
        self.inner.connection_keep_alive()
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<
        ConnectionHandlerEvent<Self::OutboundProtocol, Self::OutboundOpenInfo, Self::ToBehaviour>,
    > {
        if let Some(left) = self.again.checked_sub(1) {
            self.again = left;
            let event = StreamEvent::OpenedAgain;
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        self.inner.poll(context).map(|event| event.map_custom(StreamEvent::Inner))
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<Option<Self::ToBehaviour>> {
        self.inner.poll_close(context).map(|event| event.map(StreamEvent::Inner))
    }

    fn on_behaviour_event(&mut self, event: Self::FromBehaviour) {
        self.inner.on_behaviour_event(event);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<
            '_,
            Self::InboundProtocol,
            Self::OutboundProtocol,
            Self::InboundOpenInfo,
            Self::OutboundOpenInfo,
        >,
    ) {
        if let ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { .. }) = &event
            && std::mem::replace(&mut self.opened, true)
        {
            self.again = self.again.saturating_add(1);
        }
        self.inner.on_connection_event(event);
    }
}
