//! Combining q = n − f partial signatures: ours, which combines first and checks the result once,
//! against blst checking each before they are combined.
//!
//! Both sides hold decoded points and keys. Raw blst has no interpolation, so the peer's is that
//! of commonware, as ours is; the peer needs no check of the result.

use blst::{BLST_ERROR, min_sig};
use commonware_codec::{Copying, Decode, DecodeExt, Encode};
use commonware_cryptography::bls12381::primitives::{
    group::G1, ops::threshold::recover, sharing, sharing::ModeVersion, variant::MinSig,
    variant::PartialSignature as PeerPartial,
};
use commonware_parallel::Sequential;
use commonware_utils::Participant;
use measure::Bench;
use std::hint::black_box;
use std::num::NonZeroU32;
use threshold::{
    DST, PARTICIPANTS_MAX, PartialSignature, Sharing, combine, quorum, sign_partial, trusted,
};

const MESSAGE: [u8; 32] = [0x42; 32];

/// A committee with the partial signatures of all members, as both sides hold them.
struct Committee {
    sharing: Sharing,
    partials: Vec<PartialSignature>,
    peer_sharing: sharing::Sharing<MinSig>,
    peer: Vec<PeerMember>,
}

/// A member's key and partial signature in blst's form, and the latter in commonware's.
struct PeerMember {
    key: min_sig::PublicKey,
    signature: min_sig::Signature,
    partial: PeerPartial<MinSig>,
}

impl Committee {
    fn new(n: u16) -> Self {
        let (sharing, shares) = trusted::deal([n as u8; 32], n);
        let partials = shares.iter().map(|share| sign_partial(share, &MESSAGE)).collect();
        let limit = NonZeroU32::new(PARTICIPANTS_MAX as u32).expect("not zero");
        let peer_sharing = sharing::Sharing::decode_cfg(
            Copying(sharing.to_bytes().as_slice()),
            &(limit, ModeVersion::v0()),
        )
        .expect("a sharing's bytes");
        let peer = shares
            .iter()
            .map(|share| {
                PeerMember::new(&sign_partial(share, &MESSAGE), &share.public().to_bytes())
            })
            .collect();
        Self { sharing, partials, peer_sharing, peer }
    }

    /// Replaces a member's partial signature by one of another message.
    fn spoil(&mut self, index: usize) {
        let (_, shares) =
            trusted::deal([self.partials.len() as u8; 32], self.sharing.participants());
        let bad = sign_partial(&shares[index], &[0; 32]);
        self.peer[index] = PeerMember::new(&bad, &shares[index].public().to_bytes());
        self.partials[index] = bad;
    }

    /// The group's signature from the first `count` members, and the culprits, by ours.
    fn ours(&self, count: usize) -> ([u8; 48], Vec<u16>) {
        let combined =
            combine(&self.sharing, &MESSAGE, &self.partials[..count]).expect("enough good ones");
        (combined.signature.to_bytes(), combined.culprits)
    }

    /// The same by the peer, each checked.
    fn peer(&self, count: usize) -> ([u8; 48], Vec<u16>) {
        let (good, bad): (Vec<_>, Vec<_>) =
            self.peer[..count].iter().partition(|member| member.verifies());
        let partials: Vec<_> = good.iter().map(|member| member.partial.clone()).collect();
        let signature = recover(&self.peer_sharing, &partials, &Sequential).expect("enough");
        let bytes = signature.encode().as_ref().try_into().expect("48 bytes");
        (bytes, bad.iter().map(|member| member.partial.index.get() as u16).collect())
    }
}

impl PeerMember {
    fn new(partial: &PartialSignature, key: &[u8; 96]) -> Self {
        let signature = partial.signature.to_bytes();
        let value = G1::decode(Copying(signature.as_slice())).expect("a signature's bytes");
        Self {
            key: min_sig::PublicKey::from_bytes(key).expect("a key's bytes"),
            signature: min_sig::Signature::from_bytes(&signature).expect("a signature's bytes"),
            partial: PeerPartial { index: Participant::new(partial.index.into()), value },
        }
    }

    fn verifies(&self) -> bool {
        let result = self.signature.verify(false, &MESSAGE, DST, &[], &self.key, false);
        result == BLST_ERROR::BLST_SUCCESS
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut bench = Bench::from_arguments("Partial signatures, peer blst 0.3.17 checking each")?;
    for n in [4_u16, 31, 100] {
        let q = quorum(n.into());
        let mut committee = Committee::new(n);
        assert_eq!(committee.ours(q), committee.peer(q));
        bench.compare(
            &format!("n = {n}, q = {q}, all good"),
            1,
            || committee.ours(q),
            || committee.peer(q),
        );
        committee.spoil(q / 2);
        assert_eq!(committee.ours(q + 1), committee.peer(q + 1));
        bench.compare(
            &format!("n = {n}, {} partials, 1 bad", q + 1),
            1,
            || committee.ours(q + 1),
            || committee.peer(q + 1),
        );
    }

    let bytes = Committee::new(4).partials[0].to_bytes();
    bench.compare(
        "checked decoding of a partial",
        1,
        || PartialSignature::from_bytes(black_box(&bytes)).expect("a partial's bytes"),
        || min_sig::Signature::sig_validate(black_box(&bytes[2..]), true).expect("a point"),
    );
    bench.finish()
}
