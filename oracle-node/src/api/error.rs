//! Errors as the API gives them.

use axum::{
    Json,
    extract::{FromRequestParts, Path, Query},
    http::{StatusCode, Uri, request::Parts},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
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
    /// The request did not come, or was not answered, in time.
    TimedOut,
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
            Self::TimedOut => {
                let why = "the request took too long".to_owned();
                (StatusCode::REQUEST_TIMEOUT, "TIMED_OUT", why)
            }
            Self::Unavailable(why) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", why),
        };
        (status, Json(json!({ "error": error, "code": code }))).into_response()
    }
}

pub(super) async fn no_route(uri: Uri) -> ApiError {
    ApiError::NotFound(format!("no such path: {}", uri.path()))
}

/// Query parameters, refused as every other error is.
pub(super) struct Parameters<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(parameters)| Self(parameters))
            .map_err(|error| ApiError::bad("BAD_QUERY", error.body_text()))
    }
}

/// A text in the path, refused as every other error is.
pub(super) struct Text(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Text {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(text)| Self(text))
            .map_err(|error| ApiError::bad("BAD_PATH", error.body_text()))
    }
}

/// A number in the path, refused as every other error is.
pub(super) struct Number(pub(super) u64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<u64>::from_request_parts(parts, state).await;
        path.map(|Path(number)| Self(number))
            .map_err(|error| ApiError::bad("BAD_PATH", error.body_text()))
    }
}
