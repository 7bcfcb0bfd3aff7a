use alloy_primitives::{Address, B256, U256, keccak256};

use super::SCALAR_MODULUS;

/// Name whose keccak256 begins the bytes that a bound input hashes.
pub const BOUND_TAG: &str = "assay/v1/BOUND";

/// The value of a bound public input: keccak256 of
/// `abi.encode(keccak256(BOUND_TAG), uint256 chainId, address hub, bytes32 jobId, bytes32 seed)`
/// modulo the group order.
pub fn bound_input(chain_id: u64, hub: &Address, job_id: &B256, seed: &B256) -> U256 {
    let mut bytes = [0u8; 160];
    let (tag, rest) = bytes.split_at_mut(32);
    let (chain, rest) = rest.split_at_mut(32);
    let (hub_word, rest) = rest.split_at_mut(32);
    let (job, seed_word) = rest.split_at_mut(32);
    tag.copy_from_slice(keccak256(BOUND_TAG).as_slice());
    chain.copy_from_slice(&U256::from(chain_id).to_be_bytes::<32>());
    hub_word.copy_from_slice(hub.into_word().as_slice());
    job.copy_from_slice(job_id.as_slice());
    seed_word.copy_from_slice(seed.as_slice());
    U256::from_be_bytes(keccak256(bytes).0) % SCALAR_MODULUS
}

#[cfg(test)]
mod tests {
    use alloy_primitives::address;
    use alloy_sol_types::SolValue;

    use super::*;

    #[test]
    fn bound_input_is_the_abi_encoding_hashed_and_reduced() {
        let hub = address!("00112233445566778899aabbccddeeff00112233");
        let (job, seed) = (B256::repeat_byte(7), B256::repeat_byte(9));
        let encoded = (keccak256("assay/v1/BOUND"), U256::from(31337), hub, job, seed).abi_encode();
        let expected = U256::from_be_bytes(keccak256(encoded).0) % SCALAR_MODULUS;
        assert_eq!(bound_input(31337, &hub, &job, &seed), expected);
    }

    #[test]
    fn bound_input_changes_with_every_part() {
        let hub = Address::repeat_byte(1);
        let (job, seed) = (B256::repeat_byte(2), B256::repeat_byte(3));
        let base = bound_input(1, &hub, &job, &seed);
        assert_ne!(base, bound_input(2, &hub, &job, &seed));
        assert_ne!(base, bound_input(1, &Address::repeat_byte(2), &job, &seed));
        assert_ne!(base, bound_input(1, &hub, &B256::repeat_byte(3), &seed));
        assert_ne!(base, bound_input(1, &hub, &job, &B256::repeat_byte(4)));
    }
}
