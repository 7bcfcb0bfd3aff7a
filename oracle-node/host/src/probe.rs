//! Who answers at an address: a dial, the handshake that proves the other's key, and a hang-up.

use std::time::Duration;

use libp2p::core::transport::{DialOpts, PortUse, Transport as _};
use libp2p::core::{Endpoint, upgrade::Version};
use libp2p::identity::{Keypair, PublicKey};
use libp2p::{Multiaddr, PeerId, noise, tcp, yamux};
use thiserror::Error;

use crate::event::PeerKey;
use crate::network::peers::resolve;

/// Why an address could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// No multiaddr of a TCP port, or a name that resolves to nothing.
    #[error("{0} is no TCP address that can be dialed")]
    Address(String),
    /// Nobody answered in time.
    #[error("no answer within {0} ms")]
    Silent(u128),
    /// The connection or the handshake failed.
    #[error("{0}")]
    Refused(String),
    /// It proved a key that is not ed25519.
    #[error("the key that answers is not ed25519")]
    Key,
}

/// Dials an address under a throwaway key, and gives the network key that it proves to hold. An
/// operator's node refuses the stranger only after that, and counts it as refused.
///
/// # Errors
/// See [`ProbeError`].
pub async fn probe(address: &str, patience: Duration) -> Result<PeerKey, ProbeError> {
    let unusable = || ProbeError::Address(address.to_owned());
    let parsed: Multiaddr = address.parse().map_err(|_| unusable())?;
    let resolved = resolve(vec![parsed]).await;
    let target = resolved.into_iter().next().ok_or_else(unusable)?;
    let refused = |error: String| ProbeError::Refused(error);
    let keypair = Keypair::generate_ed25519();
    let noise = noise::Config::new(&keypair).map_err(|error| refused(error.to_string()))?;
    let mut transport = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1)
        .authenticate(noise)
        .multiplex(yamux::Config::default());
    let options = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
    let dial = transport.dial(target, options).map_err(|_| unusable())?;
    match tokio::time::timeout(patience, dial).await {
        Err(_) => Err(ProbeError::Silent(patience.as_millis())),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Ok(Ok((peer, _))) => key_of(&peer).ok_or(ProbeError::Key),
    }
}

/// The ed25519 key that an identity is made of.
fn key_of(peer: &PeerId) -> Option<PeerKey> {
    let key = PublicKey::try_decode_protobuf(peer.as_ref().digest()).ok()?;
    Some(PeerKey(key.try_into_ed25519().ok()?.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn listener_that_says_nothing_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = probe(&format!("/ip4/127.0.0.1/tcp/{port}"), PATIENCE).await;
        assert_eq!(asked, Err(ProbeError::Silent(200)));
    }

    #[tokio::test]
    async fn port_that_nobody_holds_refuses() {
        let port = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().port()
        };
        let asked = probe(&format!("/ip4/127.0.0.1/tcp/{port}"), PATIENCE).await;
        assert!(matches!(asked, Err(ProbeError::Refused(_))), "{asked:?}");
    }

    #[tokio::test]
    async fn address_without_a_tcp_port_is_not_dialed() {
        for address in ["", "127.0.0.1:1", "/ip4/127.0.0.1", "/ip4/127.0.0.1/udp/1"] {
            let asked = probe(address, PATIENCE).await;
            assert_eq!(asked, Err(ProbeError::Address(address.into())));
        }
    }
}
