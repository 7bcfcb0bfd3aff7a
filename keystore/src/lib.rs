//! Encrypted key files: EIP-2335 and web3 secret storage v3.
