//! One operator's view of a chain: finality, re-orgs, retries, a cursor.
