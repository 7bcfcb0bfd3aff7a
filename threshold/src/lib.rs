//! BLS12-381 threshold scheme: shares, DKG, partials, combine, EIP-2537 encodings.
