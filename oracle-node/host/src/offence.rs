//! What a peer can be blamed for.

/// Something that no honest operator does, told by the connection it came over or by a signature.
///
/// Gossip is passed on, so only what an honest operator would have refused too counts against the one that
/// passed it on. What depends on how far a node has come is none: it is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offence {
    /// Bytes that are no message of their topic or protocol.
    Malformed,
    /// A message longer than its topic or protocol allows.
    Oversized,
    /// The gossip stream was opened again: what came before could not be read, or was too long to be.
    BrokenStream,
    /// A topic of another ledger.
    UnknownTopic,
    /// A signature that is not of whom the message names, or for another ledger.
    BadSignature,
    /// A message in the name of nobody in the committee, or of a member that may not send it.
    NotMember,
    /// Two bodies, or more, signed for one round.
    TwoBodies,
    /// An answer that is not what was asked for.
    WrongAnswer,
    /// A second in which more came than may.
    Flood,
    /// A second in which messages for it were dropped, since it does not read.
    SlowReader,
}

/// How many there are.
pub(crate) const OFFENCES: usize = 10;

impl Offence {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; OFFENCES] = [
        Self::Malformed,
        Self::Oversized,
        Self::BrokenStream,
        Self::UnknownTopic,
        Self::BadSignature,
        Self::NotMember,
        Self::TwoBodies,
        Self::WrongAnswer,
        Self::Flood,
        Self::SlowReader,
    ];

    /// The name in metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Oversized => "oversized",
            Self::BrokenStream => "broken_stream",
            Self::UnknownTopic => "unknown_topic",
            Self::BadSignature => "bad_signature",
            Self::NotMember => "not_member",
            Self::TwoBodies => "two_bodies",
            Self::WrongAnswer => "wrong_answer",
            Self::Flood => "flood",
            Self::SlowReader => "slow_reader",
        }
    }

    /// Points it costs; a peer with [`crate::network::penalties::POINTS_MAX`] is refused for a while.
    pub(crate) fn points(self) -> u64 {
        match self {
            // One fault can have a cause that is nobody's will; four in a row can't.
            Self::Malformed
            | Self::Oversized
            | Self::UnknownTopic
            | Self::BadSignature
            | Self::NotMember
            | Self::WrongAnswer => 250,
            // gossipsub takes no more than five streams of a connection.
            Self::BrokenStream => 350,
            // Proven by its own signature.
            Self::TwoBodies => 500,
            // Five seconds.
            Self::Flood => 200,
            // About eleven seconds: a busy machine may well be slow for a few.
            Self::SlowReader => 100,
        }
    }
}
