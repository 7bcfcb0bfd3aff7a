//! Certificates of a node's API, over real sockets.

use alloy_primitives::{Address, B256, Bytes};
use assay_aggregator::{
    Batch, Certificate, CertificateQuery, CertificateSource, HttpSource, SourceError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const QUERY: CertificateQuery =
    CertificateQuery { chain_id: 5, hub: Address::repeat_byte(0xab), after: B256::ZERO };

/// Answers one request; gives its first line.
async fn answer_once(status: &str, body: String) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let length = body.len();
    let response =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
        }
        // The reader may hang up before the end of an answer that is too long.
        let _ = stream.write_all(response.as_bytes()).await;
        String::from_utf8(request).unwrap().lines().next().unwrap().to_owned()
    });
    (url, task)
}

async fn ask(status: &str, body: String) -> Result<Option<Certificate>, SourceError> {
    let (url, _task) = answer_once(status, body).await;
    HttpSource::new(&url).unwrap().certificate(QUERY).await
}

fn certificate() -> Certificate {
    Certificate {
        height: 9,
        epoch: 1,
        committee_id: 2,
        block_id: B256::repeat_byte(3),
        acc: B256::repeat_byte(4),
        signature: Bytes::from_static(&[5; 128]),
        batches: vec![Batch { height: 9, root: B256::repeat_byte(6), packed: vec![7; 27].into() }],
    }
}

#[tokio::test]
async fn source_asks_for_the_accumulator_and_reads_the_certificate() {
    let body = serde_json::to_string(&certificate()).unwrap();
    assert!(body.contains(r#""block_id":"0x0303"#), "{body}");
    let (url, task) = answer_once("200 OK", body).await;
    let source = HttpSource::new(&format!("{url}/node/")).unwrap();
    assert_eq!(source.certificate(QUERY).await, Ok(Some(certificate())));
    let (hub, after) = ("ab".repeat(20), "00".repeat(32));
    let line = format!("GET /node/v1/certificates?chain_id=5&hub=0x{hub}&after=0x{after} HTTP/1.1");
    assert_eq!(task.await.unwrap(), line);
}

#[tokio::test]
async fn source_answering_not_found_has_nothing() {
    assert_eq!(ask("404 Not Found", "{}".into()).await, Ok(None));
}

#[tokio::test]
async fn source_answering_another_status_is_an_error() {
    let answer = ask("500 Internal Server Error", String::new()).await;
    assert_eq!(answer, Err(SourceError::Status(500)));
}

#[tokio::test]
async fn source_answering_no_certificate_is_an_error() {
    let answer = ask("200 OK", r#"{"height":-1}"#.into()).await;
    assert!(matches!(answer, Err(SourceError::Malformed(_))), "{answer:?}");
}

#[tokio::test]
async fn source_answering_without_end_is_cut_off() {
    let answer = ask("200 OK", " ".repeat(2 << 20)).await;
    assert_eq!(answer, Err(SourceError::TooLarge));
}

#[tokio::test]
async fn source_that_is_down_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let answer = HttpSource::new(&url).unwrap().certificate(QUERY).await;
    assert!(matches!(answer, Err(SourceError::Unreachable(_))), "{answer:?}");
}

#[test]
fn source_of_no_http_url_is_refused() {
    for url in ["", "node:8080", "file:///node"] {
        assert_eq!(HttpSource::new(url).err(), Some(SourceError::NotHttp), "{url}");
    }
}
