use threshold::{GroupPublicKey, PartialSignature, Share, Sharing, Signature, sign_partial};

use crate::committee::Committee;
use crate::seed::{Seed, formed};

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    let same = |again: &[u8]| assert_eq!(again, bytes, "a second spelling was read");
    match form % 7 {
        0 => {
            let Ok(signature) = Signature::from_bytes(bytes) else { return };
            same(&signature.to_bytes());
            assert_eq!(Signature::from_eip2537(&signature.to_eip2537()), Ok(signature));
        }
        1 => {
            let Ok(signature) = Signature::from_eip2537(bytes) else { return };
            same(&signature.to_eip2537());
            assert_eq!(Signature::from_bytes(&signature.to_bytes()), Ok(signature));
        }
        2 => {
            let Ok(key) = GroupPublicKey::from_bytes(bytes) else { return };
            same(&key.to_bytes());
            assert_eq!(GroupPublicKey::from_eip2537(&key.to_eip2537()), Ok(key));
        }
        3 => {
            let Ok(key) = GroupPublicKey::from_eip2537(bytes) else { return };
            same(&key.to_eip2537());
            assert_eq!(GroupPublicKey::from_bytes(&key.to_bytes()), Ok(key));
        }
        4 => {
            let Ok(partial) = PartialSignature::from_bytes(bytes) else { return };
            same(&partial.to_bytes());
        }
        5 => {
            let Some((index, secret)) = bytes.split_first_chunk::<2>() else { return };
            let Ok(secret) = <[u8; 32]>::try_from(secret) else { return };
            let Ok(share) = Share::from_secret_bytes(u16::from_be_bytes(*index), &secret) else {
                return;
            };
            assert_eq!(*share.secret_bytes(), secret);
            let partial = sign_partial(&share, &[1; 32]);
            assert_eq!(partial.index, share.index());
            assert!(!format!("{share:?}").contains("secret_bytes"));
        }
        _ => {
            let Ok(sharing) = Sharing::from_bytes(bytes) else { return };
            same(&sharing.to_bytes());
            assert!(sharing.required() <= usize::from(sharing.participants()));
        }
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let committee = Committee::with_key();
    let group = committee.ledger.group().expect("a group");
    let share = &committee.shares[1];
    let partial = sign_partial(share, &[1; 32]);
    let secret = [share.index().to_be_bytes().as_slice(), share.secret_bytes().as_slice()].concat();
    vec![
        formed("signature", 0, partial.signature.to_bytes()),
        formed("signature-eip2537", 1, partial.signature.to_eip2537()),
        formed("key", 2, group.key.to_bytes()),
        formed("key-eip2537", 3, group.key.to_eip2537()),
        formed("partial", 4, partial.to_bytes()),
        formed("share", 5, secret),
        formed("sharing", 6, group.sharing.to_bytes()),
    ]
}
