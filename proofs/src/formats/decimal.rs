use alloy_primitives::U256;

use super::FormatError;
use crate::Code;

/// Longest number that an error message repeats.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// Reads a decimal string: digits only, without leading zeros. A number that is negative
/// or beyond 256 bits is refused with `out_of_range`, as is one that the caller finds at
/// or above its modulus.
pub(crate) fn read(
    text: &str,
    out_of_range: Code,
    place: impl Fn() -> String,
) -> Result<U256, FormatError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let shown: String = text.chars().take(SHOWN_CHARACTERS_MAX).collect();
        return Err(FormatError::unreadable(
            Code::FileMalformed,
            format!("{}: {shown:?} is not a decimal number; write it as digits", place()),
        ));
    }
    if digits.len() < text.len() {
        return Err(FormatError::refused(out_of_range, place()));
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(FormatError::refused(Code::NumberNotCanonical, place()));
    }
    U256::from_str_radix(digits, 10).map_err(|_| FormatError::refused(out_of_range, place()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<U256, FormatError> {
        read(text, Code::InputOutOfRange, || "[0]".into())
    }

    fn code(text: &str) -> Option<Code> {
        match check(text) {
            Err(FormatError::Refused { code, .. }) => Some(code),
            Ok(_) | Err(FormatError::Unreadable { .. }) => None,
        }
    }

    #[test]
    fn digits_are_a_number() {
        assert_eq!(check("0"), Ok(U256::ZERO));
        assert_eq!(check("1208925819614629174706176"), Ok(U256::from(1u128 << 80)));
        assert_eq!(check(&U256::MAX.to_string()), Ok(U256::MAX));
    }

    #[test]
    fn negative_and_huge_numbers_are_out_of_range() {
        assert_eq!(code("-1"), Some(Code::InputOutOfRange));
        assert_eq!(code(&format!("{}0", U256::MAX)), Some(Code::InputOutOfRange));
        assert_eq!(code(&"9".repeat(10_000)), Some(Code::InputOutOfRange));
    }

    #[test]
    fn leading_zeros_are_not_canonical() {
        assert_eq!(code("01"), Some(Code::NumberNotCanonical));
        assert_eq!(code("00"), Some(Code::NumberNotCanonical));
    }

    #[test]
    fn other_text_is_unreadable() {
        for text in ["", "-", "+1", "0x10", "1e3", " 1", "1 ", "1_000", "\u{664}"] {
            assert!(matches!(check(text), Err(FormatError::Unreadable { .. })), "{text:?}");
        }
    }
}
