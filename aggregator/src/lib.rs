//! Certificates, batches and the submitter that puts them on chain.
