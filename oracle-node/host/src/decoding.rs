//! What peers and the disk can make a host read, each form with the bytes that this host itself
//! would write for what it read. Reading and writing again gives the same bytes, or nothing: no
//! message has two spellings.

use std::io;

use arc_malachitebft_codec::Codec;
use arc_malachitebft_core_consensus::{ProposedValue, SignedConsensusMsg};
use arc_malachitebft_core_types::PolkaCertificate;
use arc_malachitebft_sync::{Request, Response};
use bytes::Bytes;
use consensus::LedgerContext;
use futures::{executor::block_on, io::Cursor};
use libp2p::{StreamProtocol, request_response::Codec as _};

use crate::bodies::whole_records;
use crate::codec::{StatusBytes, WireCodec};
use crate::network::{Message, requests::Frames};

/// A message on the topics of consensus, behind its nonce.
#[must_use]
pub fn gossip(bytes: &[u8]) -> Option<Vec<u8>> {
    let nonce = bytes.first_chunk::<4>()?;
    let message = Message::decode(bytes)?;
    Some([nonce.as_slice(), &message.encode()].concat())
}

fn again<T>(bytes: &[u8]) -> Option<Vec<u8>>
where
    WireCodec: Codec<T>,
{
    let value = WireCodec.decode(Bytes::copy_from_slice(bytes)).ok()?;
    WireCodec.encode(&value).ok().map(Vec::from)
}

/// A request for decided blocks.
#[must_use]
pub fn sync_request(bytes: &[u8]) -> Option<Vec<u8>> {
    again::<Request<LedgerContext>>(bytes)
}

/// The answer to such a request.
#[must_use]
pub fn sync_response(bytes: &[u8]) -> Option<Vec<u8>> {
    again::<Response<LedgerContext>>(bytes)
}

/// Which heights a peer has.
#[must_use]
pub fn status(bytes: &[u8]) -> Option<Vec<u8>> {
    borsh::to_vec(&borsh::from_slice::<StatusBytes>(bytes).ok()?).ok()
}

/// What entries of the write-ahead log hold: a message, a proposed value, or a certificate.
#[must_use]
pub fn log_contents(bytes: &[u8]) -> [Option<Vec<u8>>; 3] {
    [
        again::<SignedConsensusMsg<LedgerContext>>(bytes),
        again::<ProposedValue<LedgerContext>>(bytes),
        again::<PolkaCertificate<LedgerContext>>(bytes),
    ]
}

/// A frame of at most `bytes_max`, read off a stream; what follows it is left.
#[must_use]
pub fn frame(bytes: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let mut frames = Frames { request_bytes_max: bytes_max, response_bytes_max: bytes_max };
    let protocol = StreamProtocol::new("/frames");
    let mut stream = Cursor::new(bytes);
    let message = block_on(frames.read_request(&protocol, &mut stream)).ok()?;
    let mut written = Cursor::new(Vec::new());
    block_on(frames.write_request(&protocol, &mut written, message)).ok()?;
    Some(written.into_inner())
}

/// The bodies kept on disk for a height: how many of the bytes are whole records.
#[must_use]
pub fn bodies(bytes: &[u8], ledger_id: &[u8; 32]) -> usize {
    whole_records(bytes, ledger_id).1
}

/// The write-ahead log's file: whether nothing in it hides entries.
///
/// # Errors
/// Says what does.
pub fn log_file(bytes: &[u8]) -> Result<(), String> {
    crate::wal::check_tail(bytes)
}

/// An entry of the write-ahead log, as a host checks it before the engine reads it.
///
/// # Errors
/// Where it is no entry.
pub fn log_entry(bytes: &[u8]) -> io::Result<()> {
    crate::wal::check_entry(bytes)
}
