//! Hexadecimal for `Display` and `Debug`.

use std::fmt;

/// Writes `0x` and the bytes in lower-case hexadecimal.
pub(crate) fn write(formatter: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    formatter.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
}
