//! Errors as the API gives them.

use axum::{
    Json,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// What went wrong with a request.
#[derive(Debug)]
pub enum ApiError {
    /// A parameter or body that cannot be used.
    BadRequest {
        /// Stands for the reason in programs.
        code: &'static str,
        /// The reason in words.
        reason: String,
    },
    /// Nothing of that name.
    NotFound(String),
    /// This node cannot answer now.
    Unavailable(String),
}

impl ApiError {
    /// A parameter or body that cannot be used.
    pub fn bad(code: &'static str, reason: impl ToString) -> Self {
        Self::BadRequest { code, reason: reason.to_string() }
    }
}

impl From<store::StoreError> for ApiError {
    fn from(error: store::StoreError) -> Self {
        tracing::error!(%error, "store cannot be read");
        Self::Unavailable("the node's store cannot be read, see its log".into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, error) = match self {
            Self::BadRequest { code, reason } => (StatusCode::BAD_REQUEST, code, reason),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "NOT_FOUND", what),
            Self::Unavailable(why) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", why),
        };
        (status, Json(json!({ "error": error, "code": code }))).into_response()
    }
}

pub(super) async fn no_route(uri: Uri) -> ApiError {
    ApiError::NotFound(format!("no such path: {}", uri.path()))
}
