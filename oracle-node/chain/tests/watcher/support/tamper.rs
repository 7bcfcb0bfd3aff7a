//! An endpoint that passes requests on, and changes answers.

use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Gets the method, the parameters, and the result to change.
pub(crate) type Change = Arc<dyn Fn(&str, &Value, &mut Value) + Send + Sync>;

pub(crate) struct Tamperer {
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Tamperer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tamperer {
    pub(crate) async fn start(
        target: &str,
        change: impl Fn(&str, &Value, &mut Value) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (target, change): (String, Change) = (target.to_owned(), Arc::new(change));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, target.clone(), change.clone()));
            }
        });
        Self { url, task }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }
}

/// One request a connection, which HTTP allows.
async fn answer(mut stream: TcpStream, target: String, change: Change) -> Option<()> {
    let request: Value = serde_json::from_slice(&read_body(&mut stream).await?).ok()?;
    let client = reqwest::Client::new();
    let response = client.post(target).json(&request).send().await.ok()?;
    let mut response: Value = response.json().await.ok()?;
    if let Some(result) = response.get_mut("result") {
        change(request["method"].as_str()?, &request["params"], result);
    }
    let body = response.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()
}

async fn read_body(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
            let length: usize = length.trim().parse().ok()?;
            if bytes.len() >= end + 4 + length {
                return Some(bytes[end + 4..end + 4 + length].to_vec());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
