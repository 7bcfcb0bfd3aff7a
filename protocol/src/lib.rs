//! The ledger: types, canonical bytes, jobs, tally; a pure function of ordered blocks.
