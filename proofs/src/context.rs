use alloy_primitives::{Address, B256};

/// What a verification is about, beside its statement and its response. All of it is
/// on the ledger before the response is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Chain of the hub that asked.
    pub chain_id: u64,
    /// Hub contract that asked.
    pub hub: Address,
    /// Job that is judged.
    pub job_id: B256,
    /// Provider that answered.
    pub provider: Address,
    /// Challenge seed, unpredictable until the job was fixed.
    pub seed: B256,
    /// Ledger time at which the response is judged, unix milliseconds.
    pub ledger_time_ms: u64,
}
