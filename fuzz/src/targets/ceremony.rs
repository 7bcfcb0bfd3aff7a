use std::sync::OnceLock;

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_cryptography::{Signer as _, ed25519::PrivateKey};
use threshold::{
    EphemeralKey,
    dkg::{Ceremony, Dealer, Output, Player, check_log, observe, public_identity},
    open, seal,
};

use crate::input::{Input, chunk};
use crate::seed::{Seed, formed};

/// Under which a dealer signs what all players see.
const DEALING_NAMESPACE: &[u8] = b"assay/v1/dkg/dealing";
const LEDGER: [u8; 32] = [0xaa; 32];
const SIGNATURE_BYTES: usize = 64;

/// A ceremony of four, with everything that is sent in it.
struct Stage {
    ceremony: Ceremony,
    secrets: Vec<[u8; 32]>,
    public: Vec<u8>,
    private: Vec<u8>,
    ack: Vec<u8>,
    logs: Vec<Vec<u8>>,
    sealed: Vec<u8>,
    context: Vec<u8>,
    output: Vec<u8>,
}

fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let mut secrets: Vec<[u8; 32]> = (1..=4).map(|member| [member; 32]).collect();
        secrets.sort_by_key(public_identity);
        let keys: Vec<[u8; 32]> = secrets.iter().map(public_identity).collect();
        let ceremony = Ceremony::new(&LEDGER, 7, &keys, &keys, None).expect("a ceremony");
        let mut players: Vec<Player> = secrets
            .iter()
            .map(|secret| Player::new(&ceremony, secret).expect("a player"))
            .collect();
        let (mut logs, mut first) = (Vec::new(), None);
        for (secret, key) in secrets.iter().zip(&keys) {
            let (mut dealer, messages) =
                Dealer::start(&ceremony, secret, None, secret).expect("a dealer");
            for ((to, private), player) in messages.private.iter().zip(&mut players) {
                let ack = player.receive_dealing(key, &messages.public, private).expect("good");
                dealer.receive_ack(to, &ack).expect("good");
                first.get_or_insert((messages.public.clone(), private.to_vec(), ack));
            }
            logs.push(dealer.finalize());
        }
        let (public, private, ack) = first.expect("there are members");
        let context = ceremony.dealing_context(&keys[0], &keys[0]);
        let receiver = EphemeralKey::from_seed(&secrets[0]).public();
        let sealed = seal(&receiver, &context, &private, &[5; 32]).expect("short");
        let output = observe(&ceremony, &logs).expect("a key").to_bytes();
        Stage { ceremony, secrets, public, private, ack, logs, sealed, context, output }
    })
}

pub(super) fn run(input: &[u8]) {
    let stage = stage();
    let Some((form, bytes)) = input.split_first() else { return };
    match form % 6 {
        0 => output(stage, bytes),
        1 => {
            if let Ok(summary) = check_log(&stage.ceremony, bytes) {
                assert!(stage.ceremony.dealers().contains(&summary.dealer));
            }
            let with = [stage.logs[0].as_slice(), bytes, &stage.logs[2], &stage.logs[3]];
            if let Ok(output) = observe(&stage.ceremony, &with) {
                assert!(output.fits(&stage.ceremony));
            }
        }
        2 => dealing(stage, bytes, false),
        3 => dealing(stage, bytes, true),
        4 => {
            let started = Dealer::start(&stage.ceremony, &stage.secrets[0], None, &[1; 32]);
            let (mut dealer, _) = started.expect("a dealer");
            let taken = dealer.receive_ack(&stage.ceremony.players()[1], bytes).is_ok();
            assert_eq!(dealer.unacknowledged().len(), if taken { 3 } else { 4 });
        }
        _ => {
            let key = EphemeralKey::from_seed(&stage.secrets[0]);
            if let Ok(private) = open(&key, &stage.context, bytes) {
                assert_eq!((bytes, private.as_slice()), (&*stage.sealed, &*stage.private));
            }
        }
    }
}

fn output(stage: &Stage, bytes: &[u8]) {
    let Ok(output) = Output::from_bytes(bytes) else { return };
    assert_eq!(output.to_bytes(), bytes, "a second spelling was read");
    assert_eq!(output.players().len(), usize::from(output.sharing().participants()));
    // A ceremony that reshares it takes it for what it says.
    let members = stage.ceremony.players();
    if let Ok(next) = Ceremony::new(&LEDGER, 8, members, members, Some(&output)) {
        assert!(observe(&next, &stage.logs).is_err());
    }
}

/// A dealing as its dealer would send it; when `signed`, what the fuzzer made of the commitment is
/// signed, so that the commitment itself is looked at.
fn dealing(stage: &Stage, bytes: &[u8], signed: bool) {
    let mut input = Input(bytes);
    let mut public = input.chunk().to_vec();
    let private = input.0;
    if signed {
        let dealer = PrivateKey::decode(Copying(&stage.secrets[0])).expect("any 32 bytes");
        let message = [stage.ceremony.id().as_slice(), &public].concat();
        public.extend_from_slice(&dealer.sign(DEALING_NAMESPACE, &message).encode());
    }
    let mut player = Player::new(&stage.ceremony, &stage.secrets[0]).expect("a player");
    let dealer = stage.ceremony.dealers()[0];
    let first = player.receive_dealing(&dealer, &public, private);
    if let Ok(ack) = &first {
        assert_eq!(ack.len(), SIGNATURE_BYTES);
    }
    assert_eq!(player.receive_dealing(&dealer, &public, private), first, "not the same again");
}

pub(super) fn seeds() -> Vec<Seed> {
    let stage = stage();
    let body = stage.public.len() - SIGNATURE_BYTES;
    vec![
        formed("output", 0, &stage.output),
        formed("log", 1, &stage.logs[1]),
        formed("dealing", 2, [chunk(&stage.public), stage.private.clone()].concat()),
        formed("dealing-signed", 3, [chunk(&stage.public[..body]), stage.private.clone()].concat()),
        formed("ack", 4, &stage.ack),
        formed("sealed", 5, &stage.sealed),
    ]
}
