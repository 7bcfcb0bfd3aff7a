//! The consensus crate's encodings, under the engine's codec traits.

use arc_malachitebft_codec::{Codec, HasEncodedLen};
use arc_malachitebft_core_consensus::{ProposedValue, SignedConsensusMsg};
use arc_malachitebft_core_types::{
    ExtendedCommitCertificate, ExtendedCommitSignature, PolkaCertificate,
};
use arc_malachitebft_sync::{
    RawDecidedValue, Request, Response, Status, ValueRequest, ValueResponse,
};
use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;
use consensus::wire::{Wire, WireError};
use consensus::{CertificateError, Height, LedgerContext, decode_certificate, encode_certificate};
use thiserror::Error;

use crate::config::BODY_BYTES_MAX;
use crate::event::StoredBlock;

/// Longest range of heights one sync request asks for.
pub(crate) const SYNC_BATCH: usize = 8;
/// Longest sync answer, bytes.
pub(crate) const SYNC_RESPONSE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Why sync bytes are refused.
#[derive(Debug, Error)]
pub(crate) enum CodecError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("malformed: {0}")]
    Malformed(#[from] std::io::Error),
    #[error("out of bounds: {0}")]
    Bounds(&'static str),
}

/// The codec of write-ahead log and sync.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WireCodec;

impl Codec<SignedConsensusMsg<LedgerContext>> for WireCodec {
    type Error = CodecError;

    fn decode(&self, bytes: Bytes) -> Result<SignedConsensusMsg<LedgerContext>, CodecError> {
        Ok(Wire::from_wire(&bytes)?)
    }

    fn encode(&self, message: &SignedConsensusMsg<LedgerContext>) -> Result<Bytes, CodecError> {
        Ok(message.to_wire().into())
    }
}

impl Codec<ProposedValue<LedgerContext>> for WireCodec {
    type Error = CodecError;

    fn decode(&self, bytes: Bytes) -> Result<ProposedValue<LedgerContext>, CodecError> {
        Ok(Wire::from_wire(&bytes)?)
    }

    fn encode(&self, value: &ProposedValue<LedgerContext>) -> Result<Bytes, CodecError> {
        Ok(value.to_wire().into())
    }
}

impl Codec<PolkaCertificate<LedgerContext>> for WireCodec {
    type Error = CodecError;

    fn decode(&self, bytes: Bytes) -> Result<PolkaCertificate<LedgerContext>, CodecError> {
        Ok(Wire::from_wire(&bytes)?)
    }

    fn encode(&self, certificate: &PolkaCertificate<LedgerContext>) -> Result<Bytes, CodecError> {
        Ok(certificate.to_wire().into())
    }
}

/// Tip and earliest height a peer has.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct StatusBytes {
    pub(crate) tip: Height,
    pub(crate) earliest: Height,
}

// A status travels over an authenticated channel, so it does not name its sender; the engine asks for a
// codec of the named form, which nothing here uses.
impl Codec<Status<LedgerContext>> for WireCodec {
    type Error = CodecError;

    fn decode(&self, _bytes: Bytes) -> Result<Status<LedgerContext>, CodecError> {
        Err(CodecError::Bounds("a status does not name its sender"))
    }

    fn encode(&self, status: &Status<LedgerContext>) -> Result<Bytes, CodecError> {
        let bytes = StatusBytes { tip: status.tip_height, earliest: status.history_min_height };
        Ok(borsh::to_vec(&bytes)?.into())
    }
}

impl Codec<Request<LedgerContext>> for WireCodec {
    type Error = CodecError;

    fn decode(&self, bytes: Bytes) -> Result<Request<LedgerContext>, CodecError> {
        let (from, to): (Height, Height) = borsh::from_slice(&bytes)?;
        if from.0 == 0 || to < from || to.0 - from.0 >= SYNC_BATCH as u64 {
            return Err(CodecError::Bounds("range of heights"));
        }
        Ok(Request::ValueRequest(ValueRequest::new(from..=to)))
    }

    fn encode(&self, request: &Request<LedgerContext>) -> Result<Bytes, CodecError> {
        match request {
            Request::ValueRequest(request) => {
                Ok(borsh::to_vec(&(*request.range.start(), *request.range.end()))?.into())
            }
        }
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct ResponseBytes {
    from: Height,
    blocks: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Codec<Response<LedgerContext>> for WireCodec {
    type Error = CodecError;

    fn decode(&self, bytes: Bytes) -> Result<Response<LedgerContext>, CodecError> {
        if bytes.len() > SYNC_RESPONSE_BYTES_MAX {
            return Err(CodecError::Bounds("sync answer"));
        }
        let response: ResponseBytes = borsh::from_slice(&bytes)?;
        if response.blocks.len() > SYNC_BATCH {
            return Err(CodecError::Bounds("blocks of a sync answer"));
        }
        let mut values = Vec::with_capacity(response.blocks.len());
        for (body, certificate) in response.blocks {
            if body.len() > BODY_BYTES_MAX {
                return Err(CodecError::Bounds("body"));
            }
            values.push(RawDecidedValue::new(body.into(), extended(&certificate)?));
        }
        Ok(Response::ValueResponse(ValueResponse::new(response.from, values)))
    }

    fn encode(&self, response: &Response<LedgerContext>) -> Result<Bytes, CodecError> {
        let Response::ValueResponse(response) = response;
        let blocks = response
            .values
            .iter()
            .map(|value| {
                let certificate = value.certificate.trim_vote_extensions();
                (value.value_bytes.to_vec(), encode_certificate(&certificate))
            })
            .collect();
        Ok(borsh::to_vec(&ResponseBytes { from: response.start_height, blocks })?.into())
    }
}

impl HasEncodedLen<Response<LedgerContext>> for WireCodec {
    fn encoded_len(&self, response: &Response<LedgerContext>) -> Result<usize, CodecError> {
        Ok(self.encode(response)?.len())
    }
}

/// A commit certificate in the form the engine syncs.
fn extended(bytes: &[u8]) -> Result<ExtendedCommitCertificate<LedgerContext>, CertificateError> {
    let certificate = decode_certificate(bytes)?;
    Ok(ExtendedCommitCertificate {
        height: certificate.height,
        round: certificate.round,
        value_id: certificate.value_id,
        commit_signatures: certificate
            .commit_signatures
            .into_iter()
            .map(|entry| ExtendedCommitSignature::new(entry.address, entry.signature, None))
            .collect(),
    })
}

/// A stored block in the form the engine syncs; `None` if its certificate is not one for its height.
pub(crate) fn decided_value(block: StoredBlock) -> Option<RawDecidedValue<LedgerContext>> {
    let certificate = extended(&block.certificate).ok()?;
    (certificate.height.0 == block.height)
        .then(|| RawDecidedValue::new(block.body.into(), certificate))
}
