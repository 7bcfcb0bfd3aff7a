//! The one table of reason codes.
//!
//! A number never changes its meaning and is never used again. 0 means no reason.
//! 0xF000 and above belong to the ledger (`protocol`), 100 to 199 to every kind, 200 to 299 to
//! `groth16-bn254`; each later kind takes the next hundred.

use std::fmt;

macro_rules! codes {
    ($($number:literal $variant:ident $name:literal $explanation:literal;)+) => {
        /// Machine-readable reason of a verdict. The number reaches the chain.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Code {
            $(#[doc = $explanation] $variant = $number,)+
        }

        impl Code {
            /// Every code, ascending by number.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The code's name, as it is printed.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Code::$variant => $name,)+
                }
            }

            /// One sentence for a person.
            pub const fn explanation(self) -> &'static str {
                match self {
                    $(Code::$variant => $explanation,)+
                }
            }

            /// The code with this number.
            pub const fn from_number(number: u16) -> Option<Code> {
                match number {
                    $($number => Some(Code::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

codes! {
    // Every kind.
    100 KindUnknown "KIND_UNKNOWN"
        "no verifier is registered for the kind";
    101 StatementMalformed "STATEMENT_MALFORMED"
        "the statement does not decode";
    102 StatementNotCanonical "STATEMENT_NOT_CANONICAL"
        "the statement decodes, but is not the one encoding of what it says";
    103 KeyUnknown "KEY_UNKNOWN"
        "no verifying key is registered under the id that the statement names";
    104 KeyIdMismatch "KEY_ID_MISMATCH"
        "the registered verifying key does not hash to its id";
    110 ResponsePartCount "RESPONSE_PART_COUNT"
        "the response does not have the number of parts that the kind takes";
    111 ResponseLength "RESPONSE_LENGTH"
        "the response is not exactly as long as the statement asks";

    // groth16-bn254: what the provider sent.
    200 ProofRejected "PROOF_REJECTED"
        "the pairing equation does not hold for this key, proof and public inputs";
    201 CoordinateOutOfRange "COORDINATE_OUT_OF_RANGE"
        "a coordinate of the proof is not below the base field's modulus";
    202 PointNotOnCurve "POINT_NOT_ON_CURVE"
        "a point of the proof is not on the curve";
    203 PointNotInSubgroup "POINT_NOT_IN_SUBGROUP"
        "the proof's G2 point is on the curve, but outside the prime-order subgroup";
    204 InputOutOfRange "INPUT_OUT_OF_RANGE"
        "a public input is not below the scalar field's modulus";
    205 InputCount "INPUT_COUNT"
        "the number of public inputs is not the one that the verifying key takes";
    206 PointAtInfinity "POINT_AT_INFINITY"
        "a point of the proof is the point at infinity";

    // groth16-bn254: what the consumer asked.
    210 StatementMode "STATEMENT_MODE"
        "an input of the statement is neither fixed (0), bound (1) nor reported (2)";
    211 StatementValue "STATEMENT_VALUE"
        "a bound or reported input of the statement carries a value other than 0";
    212 StatementInputOutOfRange "STATEMENT_INPUT_OUT_OF_RANGE"
        "a fixed input of the statement is not below the scalar field's modulus";
    213 StatementInputCount "STATEMENT_INPUT_COUNT"
        "the statement's number of inputs is not the one that the verifying key takes";

    214 StatementBoundUnused "STATEMENT_BOUND_UNUSED"
        "an input of the statement is bound, but the verifying key's circuit does not use it";

    // groth16-bn254: the verifying key.
    220 KeyLength "KEY_LENGTH"
        "the verifying key's length is not 448 bytes and 64 for each of at least one IC point";
    221 KeyCoordinateOutOfRange "KEY_COORDINATE_OUT_OF_RANGE"
        "a coordinate of the verifying key is not below the base field's modulus";
    222 KeyPointNotOnCurve "KEY_POINT_NOT_ON_CURVE"
        "a point of the verifying key is not on the curve";
    223 KeyPointNotInSubgroup "KEY_POINT_NOT_IN_SUBGROUP"
        "a G2 point of the verifying key is outside the prime-order subgroup";
    224 KeyPointAtInfinity "KEY_POINT_AT_INFINITY"
        "alpha, beta, gamma or delta of the verifying key is the point at infinity";
    225 KeyInputCount "KEY_INPUT_COUNT"
        "the verifying key states another number of public inputs than its IC points give";
    226 KeyTooLarge "KEY_TOO_LARGE"
        "the verifying key takes more than 256 public inputs";

    // groth16-bn254: file forms at the edges; never on chain.
    230 WrongCurve "WRONG_CURVE"
        "the file is for another curve than BN254";
    231 WrongProtocol "WRONG_PROTOCOL"
        "the file is for another proof system than Groth16";
    232 PointNotAffine "POINT_NOT_AFFINE"
        "a point's third, projective coordinate is not 1";
    233 NumberNotCanonical "NUMBER_NOT_CANONICAL"
        "a number has leading zeros";
    234 CommitmentsUnsupported "COMMITMENTS_UNSUPPORTED"
        "the gnark file uses commitments, which are not supported";
    240 FileUnavailable "FILE_UNAVAILABLE"
        "the file cannot be read";
    241 FileTruncated "FILE_TRUNCATED"
        "the file ends too early";
    242 FileTrailingBytes "FILE_TRAILING_BYTES"
        "the file goes on after its end";
    243 FileFieldMissing "FILE_FIELD_MISSING"
        "the file lacks a field";
    244 FileMalformed "FILE_MALFORMED"
        "the file is not of the form it is read as";
}

impl Code {
    /// The number that reaches the chain.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn table_is_ascending_unique_and_reversible() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
        for code in Code::ALL {
            assert_eq!(Code::from_number(code.number()), Some(*code));
            assert!(code.name().bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b == b'2'));
        }
        assert_eq!(Code::from_number(0), None);
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
