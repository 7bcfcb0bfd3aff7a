//! Groth16 over BN254: our batches against ark-groth16, one proof at a time.
//!
//! Both sides take the same 256 proofs of one key, made by ark-groth16's own setup and prover for
//! a circuit with four random public inputs, from the same bytes in the encoding of EIP-197, with
//! the key prepared. The peer has no reader of that encoding: its side decodes with ark's field,
//! curve and subgroup checks, as its own deserializer does.

mod support;

use ark_bn254::Bn254;
use ark_groth16::Groth16;
use measure::Bench;
use proofs::groth16_bn254::{Proof, PublicInputs};
use support::{Claim, Fixture};

/// The batch that the documentation's ratio is about.
const BATCH: usize = 256;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut bench = Bench::from_arguments("Groth16 over BN254, peer ark-groth16 0.6 one by one")?;
    let fixture = Fixture::new(BATCH)?;

    for size in [1, 16, 64, BATCH] {
        let claims = &fixture.claims[..size];
        bench.compare(
            &format!("batch of {size}, equation"),
            size,
            || assert!(ours(&fixture, &fixture.decoded[..size]).is_empty()),
            || assert!(peer(&fixture, &fixture.peer_decoded[..size]).is_empty()),
        );
        if size == BATCH {
            bench.compare(
                &format!("batch of {size}, checked decoding"),
                size,
                || claims.iter().map(Claim::decode).collect::<Vec<_>>(),
                || claims.iter().map(Claim::decode_peer).collect::<Vec<_>>(),
            );
            bench.compare(
                &format!("batch of {size}, both"),
                size,
                || {
                    let decoded: Vec<_> = claims.iter().map(Claim::decode).collect();
                    assert!(ours(&fixture, &decoded).is_empty());
                },
                || {
                    let decoded: Vec<_> = claims.iter().map(Claim::decode_peer).collect();
                    assert!(peer(&fixture, &decoded).is_empty());
                },
            );
        }
    }

    // Spread out: bisection shares nothing between bad items that lie apart.
    for bad in [vec![100], vec![40, 130, 220]] {
        let (mut decoded, mut peer_decoded) =
            (fixture.decoded.clone(), fixture.peer_decoded.clone());
        for index in &bad {
            let other = (index + 1) % BATCH;
            decoded[*index].1 = fixture.decoded[other].1.clone();
            peer_decoded[*index].1 = fixture.peer_decoded[other].1;
        }
        bench.compare(
            &format!("batch of {BATCH}, {} bad, equation", bad.len()),
            BATCH,
            || assert_eq!(ours(&fixture, &decoded), bad),
            || assert_eq!(peer(&fixture, &peer_decoded), bad),
        );
    }
    bench.finish()
}

/// Positions of bad items, by our batch.
fn ours(fixture: &Fixture, decoded: &[(Proof, PublicInputs)]) -> Vec<usize> {
    let items: Vec<_> = decoded.iter().map(|(proof, inputs)| (proof, inputs)).collect();
    fixture.key.bad_items(&items)
}

/// Positions of bad items, by the peer.
fn peer(fixture: &Fixture, decoded: &[support::PeerDecoded]) -> Vec<usize> {
    let holds = |(proof, inputs): &support::PeerDecoded| {
        Groth16::<Bn254>::verify_proof(&fixture.peer_key, proof, inputs).expect("four inputs")
    };
    (0..).zip(decoded).filter(|(_, item)| !holds(item)).map(|(index, _)| index).collect()
}
