//! An endpoint that misbehaves on purpose, in front of a real one: for tests of whoever asks it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longest request that is read, in bytes.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// Longest time for the real endpoint's answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// What an endpoint does instead of answering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A JSON-RPC error; the real endpoint is not asked.
    Error {
        /// Its code.
        code: i64,
        /// Its words.
        message: String,
    },
    /// An HTTP status with an empty body; the real endpoint is not asked.
    Status {
        /// The status.
        status: u16,
        /// Seconds of a `Retry-After` header.
        retry_after_s: Option<u64>,
    },
    /// The connection ends without an answer; the real endpoint is not asked.
    Close,
    /// No answer, and no end of the connection; the real endpoint is not asked.
    Hang,
    /// The request arrives, and its answer is lost.
    Lost,
    /// The request arrives, and the connection ends in the middle of its answer.
    Cut,
}

impl Fault {
    /// A JSON-RPC error as a node's pool would answer.
    pub fn error(message: &str) -> Self {
        Self::Error { code: -32_000, message: message.to_owned() }
    }
}

/// Says of a method and its parameters whether there is no answer.
type Refuse = Arc<dyn Fn(&str, &Value) -> Option<Fault> + Send + Sync>;
/// Gets the method, the parameters, and the result to change.
type Change = Arc<dyn Fn(&str, &Value, &mut Value) + Send + Sync>;

/// A running endpoint. It ends when this is dropped.
#[derive(Debug)]
pub struct FaultyEndpoint {
    url: String,
    task: JoinHandle<()>,
    calls: watch::Receiver<BTreeMap<String, usize>>,
}

impl Drop for FaultyEndpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FaultyEndpoint {
    /// Passes requests on to `target`, and changes results.
    ///
    /// # Errors
    /// When no port can be had, or `target` is no URL.
    pub async fn changing(
        target: &str,
        change: impl Fn(&str, &Value, &mut Value) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::start(target, |_, _| None, change).await
    }

    /// Passes on to `target` the requests of which `refuse` says nothing.
    ///
    /// # Errors
    /// As [`FaultyEndpoint::changing`].
    pub async fn refusing(
        target: &str,
        refuse: impl Fn(&str, &Value) -> Option<Fault> + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::start(target, refuse, |_, _, _| {}).await
    }

    /// Both.
    ///
    /// # Errors
    /// As [`FaultyEndpoint::changing`].
    pub async fn start(
        target: &str,
        refuse: impl Fn(&str, &Value) -> Option<Fault> + Send + Sync + 'static,
        change: impl Fn(&str, &Value, &mut Value) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let client = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).build();
        let client = client.map_err(std::io::Error::other)?;
        let (counter, calls) = watch::channel(BTreeMap::new());
        let shared = Arc::new(Shared {
            target: target.to_owned(),
            client,
            refuse: Arc::new(refuse),
            change: Arc::new(change),
            counter,
        });
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(answer(stream, shared.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { url, task, calls })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How often a method was asked for so far.
    pub fn calls(&self, method: &str) -> usize {
        self.calls.borrow().get(method).copied().unwrap_or(0)
    }

    /// Waits until a method was asked for so often.
    pub async fn called(&self, method: &str, times: usize) {
        let mut calls = self.calls.clone();
        let enough = |calls: &BTreeMap<String, usize>| {
            calls.get(method).is_some_and(|count| *count >= times)
        };
        // The sender lives as long as this.
        let _ = calls.wait_for(enough).await;
    }
}

struct Shared {
    target: String,
    client: reqwest::Client,
    refuse: Refuse,
    change: Change,
    counter: watch::Sender<BTreeMap<String, usize>>,
}

/// One request a connection, which HTTP allows. `None` once the connection can't be used.
async fn answer(mut stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    let request: Value = serde_json::from_slice(&read_body(&mut stream).await?).ok()?;
    let method = request.get("method")?.as_str()?.to_owned();
    let parameters = request.get("params").cloned().unwrap_or_default();
    shared.counter.send_modify(|calls| *calls.entry(method.clone()).or_default() += 1);
    let fault = (shared.refuse)(&method, &parameters);
    match &fault {
        Some(Fault::Error { code, message }) => {
            let error = json!({ "code": code, "message": message });
            let body = json!({ "jsonrpc": "2.0", "id": request.get("id"), "error": error });
            return respond(&mut stream, "200 OK", &body.to_string()).await;
        }
        Some(Fault::Status { status, retry_after_s }) => {
            let mut line = format!("{status} Refused");
            if let Some(seconds) = retry_after_s {
                line.push_str(&format!("\r\nretry-after: {seconds}"));
            }
            return respond(&mut stream, &line, "").await;
        }
        Some(Fault::Close) => return None,
        Some(Fault::Hang) => {
            // Ends when the one who asked has given up.
            while stream.read_u8().await.is_ok() {}
            return None;
        }
        Some(Fault::Lost | Fault::Cut) | None => {}
    }
    let response = shared.client.post(&shared.target).json(&request).send().await.ok()?;
    let mut response: Value = response.json().await.ok()?;
    if let Some(result) = response.get_mut("result") {
        (shared.change)(&method, &parameters, result);
    }
    let body = response.to_string();
    match fault {
        Some(Fault::Lost) => None,
        Some(Fault::Cut) => {
            let head = head("200 OK", body.len());
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(body.as_bytes().get(..body.len() / 2)?).await.ok()
        }
        _ => respond(&mut stream, "200 OK", &body).await,
    }
}

fn head(status: &str, length: usize) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    )
}

async fn respond(stream: &mut TcpStream, status: &str, body: &str) -> Option<()> {
    stream.write_all(head(status, body.len()).as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()
}

async fn read_body(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(bytes.get(..end)?).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
            let length: usize = length.trim().parse().ok()?;
            let start = end.checked_add(4)?;
            let stop = start.checked_add(length).filter(|stop| *stop <= REQUEST_BYTES_MAX)?;
            if bytes.len() >= stop {
                return bytes.get(start..stop).map(<[u8]>::to_vec);
            }
        }
        if bytes.len() > REQUEST_BYTES_MAX || stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
