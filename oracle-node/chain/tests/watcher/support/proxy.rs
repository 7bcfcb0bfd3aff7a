//! A TCP proxy that can go down and come up again at the same address.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub(crate) struct Proxy {
    address: SocketAddr,
    target: String,
    task: Option<JoinHandle<()>>,
}

impl Proxy {
    /// In front of `url`, and up.
    pub(crate) async fn start(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = Some(tokio::spawn(serve(listener, target.clone())));
        Self { address, target, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Refuses connections, and cuts those that there are.
    pub(crate) async fn down(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
    }

    pub(crate) async fn up(&mut self) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        let listener = socket.listen(64).unwrap();
        self.task = Some(tokio::spawn(serve(listener, self.target.clone())));
    }
}

async fn serve(listener: TcpListener, target: String) {
    let mut connections = JoinSet::new();
    while let Ok((mut inward, _)) = listener.accept().await {
        let target = target.clone();
        connections.spawn(async move {
            if let Ok(mut outward) = TcpStream::connect(target).await {
                let _ = tokio::io::copy_bidirectional(&mut inward, &mut outward).await;
            }
        });
    }
}
