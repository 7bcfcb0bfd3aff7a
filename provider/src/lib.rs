//! The provider's agent: answers challenges.
