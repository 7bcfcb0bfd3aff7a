//! What can go wrong between us and an endpoint, sorted by what a caller does about it.

use std::time::Duration;

use alloy::transports::{RpcError as AlloyError, TransportError, TransportErrorKind};
use alloy_primitives::Bytes;

use super::transport::HttpFault;

/// Longest message of an endpoint that is kept, in characters.
const MESSAGE_CHARS_MAX: usize = 300;
/// JSON-RPC code of a call that reverted.
const CALL_FAILED: i64 = 3;
/// What clients say, in lower case, when a call that they ran failed otherwise.
const CALL_FAILED_WORDS: [&str; 6] = [
    "revert",
    "out of gas",
    "gas required exceeds",
    "insufficient funds",
    "invalid opcode",
    "call depth",
];

/// A failed request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// Nothing usable came back: connection, timeout, HTTP status. Another try or another endpoint may help; a
    /// transaction that was being sent may have arrived.
    #[error("endpoint unreachable: {0}")]
    Unreachable(String),
    /// The endpoint has too much to do, or counts requests. Nothing was done.
    #[error("endpoint is busy: http status {status}")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The answer was larger than the limit: ask for less.
    #[error("answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The endpoint answered with a JSON-RPC error.
    #[error("endpoint answered with error {code}: {message}")]
    Answered {
        /// JSON-RPC error code.
        code: i64,
        /// The endpoint's words, shortened.
        message: String,
        /// Revert data of a failed call, when there is any.
        revert: Option<Bytes>,
    },
    /// The answer does not have the shape that the method promises.
    #[error("malformed answer: {0}")]
    Malformed(String),
}

impl RpcError {
    /// Whether the same request may succeed at another endpoint or at another time, unlike an answered error.
    pub fn is_endpoint_fault(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Busy { .. } | Self::Malformed(_) => true,
            Self::TooLarge(_) | Self::Answered { .. } => false,
        }
    }

    /// Whether the endpoint ran a call and the call failed. Any other error says nothing about the call.
    pub fn is_failed_call(&self) -> bool {
        match self {
            Self::Answered { revert: Some(_), .. } | Self::Answered { code: CALL_FAILED, .. } => {
                true
            }
            Self::Answered { message, .. } => {
                let message = message.to_lowercase();
                CALL_FAILED_WORDS.iter().any(|words| message.contains(words))
            }
            Self::Unreachable(_) | Self::Busy { .. } | Self::Malformed(_) | Self::TooLarge(_) => {
                false
            }
        }
    }

    /// How long the endpoint asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            Self::Unreachable(_)
            | Self::Malformed(_)
            | Self::TooLarge(_)
            | Self::Answered { .. } => None,
        }
    }

    pub(crate) fn malformed(what: impl std::fmt::Display) -> Self {
        Self::Malformed(shorten(&what.to_string()))
    }
}

pub(crate) fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MESSAGE_CHARS_MAX).collect()
}

impl From<TransportError> for RpcError {
    fn from(error: TransportError) -> Self {
        match error {
            AlloyError::ErrorResp(payload) => Self::Answered {
                code: payload.code,
                message: shorten(&payload.message),
                revert: payload.as_revert_data(),
            },
            AlloyError::NullResp => Self::Malformed("null where a value was due".into()),
            AlloyError::DeserError { err, .. } => Self::malformed(err),
            AlloyError::Transport(TransportErrorKind::Custom(custom)) => {
                match custom.downcast_ref::<HttpFault>() {
                    Some(HttpFault::TooLarge(limit)) => Self::TooLarge(*limit),
                    Some(HttpFault::NotJsonRpc(error)) => Self::malformed(error),
                    Some(HttpFault::Request(error)) => Self::Unreachable(shorten(&chain(error))),
                    Some(HttpFault::Status { status: status @ (429 | 503), retry_after }) => {
                        Self::Busy { status: *status, retry_after: *retry_after }
                    }
                    Some(HttpFault::Status { status, .. }) => {
                        Self::Unreachable(format!("http status {status}"))
                    }
                    None => Self::Unreachable(shorten(&custom.to_string())),
                }
            }
            other => Self::Unreachable(shorten(&other.to_string())),
        }
    }
}

/// An error and what caused it, which reqwest keeps apart.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
