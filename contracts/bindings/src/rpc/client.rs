//! One endpoint: the requests that a node makes, each with an answer that was checked for shape and range.

use alloy::providers::RootProvider;
use alloy::rpc::client::RpcClient;
use alloy_primitives::{Address, B256, Bloom, Bytes, U64, U256};
use alloy_sol_types::SolCall;
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::RpcError;
use super::transport::{BoundedHttp, Limits};

/// A URL that no client can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL, or not http or https.
    #[error("rpc url number {index} is not an http or https url")]
    NotHttp {
        /// Its place in the configured list, from 0. The URL itself may hold a secret.
        index: usize,
    },
    /// No HTTP client could be set up.
    #[error("http client: {0}")]
    Client(String),
    /// An empty list.
    #[error("no rpc url is configured")]
    Empty,
}

/// Which block a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockId {
    /// The head.
    Latest,
    /// The last block that the chain's consensus finalized.
    Finalized,
    /// The head with the transactions that wait in the pool.
    Pending,
    /// The canonical block of this number.
    Number(u64),
}

impl Serialize for BlockId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Latest => serializer.serialize_str("latest"),
            Self::Finalized => serializer.serialize_str("finalized"),
            Self::Pending => serializer.serialize_str("pending"),
            Self::Number(number) => U64::from(*number).serialize(serializer),
        }
    }
}

/// A block's number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockRef {
    /// Height.
    pub number: u64,
    /// Hash of its header.
    pub hash: B256,
}

/// What is used of a block's header, read from an endpoint's JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawHeader")]
pub struct Header {
    /// Height.
    pub number: u64,
    /// Its own hash, as the endpoint gives it.
    pub hash: B256,
    /// Hash of the block before.
    pub parent_hash: B256,
    /// Unix seconds.
    pub time: u64,
    /// Bloom filter of its logs' addresses and topics.
    pub logs_bloom: Bloom,
    /// Base fee in wei, absent before EIP-1559.
    pub base_fee: Option<u128>,
}

impl Header {
    /// Number and hash.
    pub fn block_ref(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHeader {
    number: U256,
    hash: B256,
    parent_hash: B256,
    timestamp: U256,
    logs_bloom: Bloom,
    base_fee_per_gas: Option<U256>,
}

impl TryFrom<RawHeader> for Header {
    type Error = RpcError;

    fn try_from(raw: RawHeader) -> Result<Self, RpcError> {
        Ok(Self {
            number: u64_of("block number", raw.number)?,
            hash: raw.hash,
            parent_hash: raw.parent_hash,
            time: u64_of("block timestamp", raw.timestamp)?,
            logs_bloom: raw.logs_bloom,
            base_fee: raw.base_fee_per_gas.map(|fee| u128_of("base fee", fee)).transpose()?,
        })
    }
}

/// One log of a mined block, read from an endpoint's JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawLog")]
pub struct Log {
    /// Who emitted it.
    pub address: Address,
    /// At most four.
    pub topics: Vec<B256>,
    /// ABI-encoded fields that are not indexed.
    pub data: Bytes,
    /// The block it is in.
    pub block: BlockRef,
    /// The transaction it is of.
    pub transaction: B256,
    /// Its place among all logs of the block.
    pub log_index: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    block_number: U256,
    block_hash: B256,
    transaction_hash: B256,
    log_index: U256,
    #[serde(default)]
    removed: bool,
}

impl TryFrom<RawLog> for Log {
    type Error = RpcError;

    fn try_from(raw: RawLog) -> Result<Self, RpcError> {
        if raw.removed {
            return Err(RpcError::Malformed("a removed log among mined ones".into()));
        }
        if raw.topics.len() > 4 {
            return Err(RpcError::Malformed(format!("a log with {} topics", raw.topics.len())));
        }
        Ok(Self {
            address: raw.address,
            topics: raw.topics,
            data: raw.data,
            block: BlockRef {
                number: u64_of("log's block", raw.block_number)?,
                hash: raw.block_hash,
            },
            transaction: raw.transaction_hash,
            log_index: u64_of("log index", raw.log_index)?,
        })
    }
}

/// Which blocks logs are asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogBlocks {
    /// Both ends included.
    Range {
        /// First block.
        from: u64,
        /// Last block.
        to: u64,
    },
    /// One block by its hash; an endpoint that doesn't know it answers with an error (EIP-234).
    Hash(B256),
}

/// One JSON-RPC endpoint over HTTP. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rpc {
    client: RpcClient,
    label: String,
}

impl Rpc {
    /// A client of `url`, the `index`th of its list. No request is made.
    pub fn new(url: &str, index: usize, limits: Limits) -> Result<Self, UrlError> {
        let url: Url = url.parse().map_err(|_| UrlError::NotHttp { index })?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if !matches!(url.scheme(), "http" | "https") || host.is_empty() {
            return Err(UrlError::NotHttp { index });
        }
        let label = match url.port() {
            Some(port) => format!("#{index} {host}:{port}"),
            None => format!("#{index} {host}"),
        };
        let transport =
            BoundedHttp::new(url, limits).map_err(|error| UrlError::Client(error.to_string()))?;
        Ok(Self { client: RpcClient::new(transport, false), label })
    }

    /// A name that is safe to log: place in the list, host and port, never the path.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The same connection as an alloy provider, for callers outside the node's own loops.
    pub fn provider(&self) -> RootProvider {
        RootProvider::new(self.client.clone())
    }

    /// Any method whose answer is not null.
    pub async fn request<P, R>(&self, method: &'static str, params: P) -> Result<R, RpcError>
    where
        P: alloy::rpc::json_rpc::RpcSend,
        R: DeserializeOwned + Send + Sync + std::fmt::Debug + Unpin + 'static,
    {
        Ok(self.client.request::<P, R>(method, params).await?)
    }

    /// `eth_chainId`.
    pub async fn chain_id(&self) -> Result<u64, RpcError> {
        u64_of("chain id", self.request("eth_chainId", ()).await?)
    }

    /// The header of a block, `None` when the endpoint has no such block.
    pub async fn header(&self, block: BlockId) -> Result<Option<Header>, RpcError> {
        let raw: Option<RawHeader> = self.request("eth_getBlockByNumber", (block, false)).await?;
        let header = raw.map(Header::try_from).transpose()?;
        if let (BlockId::Number(asked), Some(header)) = (block, &header)
            && header.number != asked
        {
            return Err(RpcError::Malformed(format!("block {} for {asked}", header.number)));
        }
        Ok(header)
    }

    /// All logs of `address` in `blocks` whose first topic is among `topics`, in the endpoint's order.
    pub async fn logs(
        &self,
        address: Address,
        blocks: LogBlocks,
        topics: &[B256],
    ) -> Result<Vec<Log>, RpcError> {
        let mut filter = serde_json::json!({ "address": address, "topics": [topics] });
        match blocks {
            LogBlocks::Range { from, to } => {
                filter["fromBlock"] = serde_json::json!(U64::from(from));
                filter["toBlock"] = serde_json::json!(U64::from(to));
            }
            LogBlocks::Hash(hash) => filter["blockHash"] = serde_json::json!(hash),
        }
        let raw: Vec<RawLog> = self.request("eth_getLogs", (filter,)).await?;
        raw.into_iter().map(Log::try_from).collect()
    }

    /// The code at `address`, at the head.
    pub async fn code(&self, address: Address) -> Result<Bytes, RpcError> {
        self.request("eth_getCode", (address, BlockId::Latest)).await
    }

    /// Wei that `address` has at the head.
    pub async fn balance(&self, address: Address) -> Result<U256, RpcError> {
        self.request("eth_getBalance", (address, BlockId::Latest)).await
    }

    /// Transactions of `address`: mined (`Latest`) or mined and waiting (`Pending`).
    pub async fn transaction_count(&self, address: Address, at: BlockId) -> Result<u64, RpcError> {
        u64_of("nonce", self.request("eth_getTransactionCount", (address, at)).await?)
    }

    /// A view call of a contract at the head, decoded.
    pub async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, RpcError> {
        self.call_at(to, call, BlockId::Latest).await
    }

    /// A view call of a contract at a block, decoded.
    pub async fn call_at<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        block: BlockId,
    ) -> Result<C::Return, RpcError> {
        let request = serde_json::json!({ "to": to, "data": Bytes::from(call.abi_encode()) });
        let output: Bytes = self.request("eth_call", (request, block)).await?;
        C::abi_decode_returns_validate(&output).map_err(RpcError::malformed)
    }
}

/// A quantity that must fit 64 bits.
pub(crate) fn u64_of(what: &str, value: U256) -> Result<u64, RpcError> {
    value.try_into().map_err(|_| RpcError::Malformed(format!("{what} is out of range")))
}

/// A quantity that must fit 128 bits.
pub(crate) fn u128_of(what: &str, value: U256) -> Result<u128, RpcError> {
    value.try_into().map_err(|_| RpcError::Malformed(format!("{what} is out of range")))
}
