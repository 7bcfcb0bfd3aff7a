//! Valid inputs to begin with.

/// A valid input, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Its file's name.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// A seed of bytes as they are.
pub(crate) fn plain(name: &str, bytes: impl Into<Vec<u8>>) -> Seed {
    Seed { name: name.into(), bytes: bytes.into() }
}

/// A seed of a form.
pub(crate) fn formed(name: &str, form: u8, bytes: impl AsRef<[u8]>) -> Seed {
    plain(name, [&[form], bytes.as_ref()].concat())
}
