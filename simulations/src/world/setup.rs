//! What a world's members share: keys, genesis, signatures, and the ledger before its first block.

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use consensus::{ConsensusKey, LedgerValidators, PublicKey};
use ed25519_dalek::SigningKey;
use operator::Config;
use protocol::{
    ecdsa::Signer,
    genesis::{Genesis, Hub, Member, Parameters},
    ids::{LedgerTime, OperatorIndex},
    ledger::Ledger,
    signatures::{Shipped, Signatures},
    subject::Subject,
};

use crate::{
    engine::{self, Keys},
    scenario::{self, Scenario},
    signatures::Standins,
};

/// Unix milliseconds at which every world begins.
pub const START_UNIX_MS: u64 = 1_700_000_000_000;

/// The keys of one operator.
#[derive(Clone)]
pub struct Secrets {
    /// secp256k1: bundles.
    pub operator: [u8; 32],
    /// ed25519: envelopes and dealings.
    pub network: [u8; 32],
    /// secp256k1: votes and proposals.
    pub consensus: [u8; 32],
}

/// What every member of a world stands on.
pub struct Setup {
    /// The genesis.
    pub genesis: Genesis,
    /// Keys, by place in the committee.
    pub secrets: Vec<Secrets>,
    /// The ledger before its first block.
    pub ledger: Ledger,
    /// The committee as consensus knows it.
    pub validators: LedgerValidators,
    /// Waiting times of consensus.
    pub timeouts: engine::Timeouts,
    /// The stand-ins, if signatures are not the shipped ones.
    pub standins: Option<Arc<Standins>>,
    consensus_standins: Arc<engine::Standins>,
}

impl Setup {
    /// The setup that follows from a scenario and a seed.
    ///
    /// # Panics
    /// When the scenario has fewer or more operators than a committee may.
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        let mut secrets: Vec<Secrets> = (0..scenario.operators)
            .map(|place| {
                let derive = |what: &[u8]| {
                    keccak256([&seed.to_be_bytes(), what, &place.to_be_bytes()].concat()).0
                };
                Secrets {
                    operator: derive(b"operator"),
                    network: derive(b"network"),
                    consensus: derive(b"consensus"),
                }
            })
            .collect();
        secrets.sort_by_key(|secrets| threshold::dkg::public_identity(&secrets.network));
        let genesis = genesis(scenario, seed, &secrets);
        let keys: Vec<PublicKey> =
            secrets.iter().map(|it| consensus_key(it).public_key()).collect();
        let addresses = keys.iter().map(PublicKey::address);
        let consensus_standins = engine::Standins::new(
            addresses.zip(&secrets).map(|(address, secrets)| (address, secrets.consensus)),
        );
        let standins = match scenario.signatures {
            scenario::Signatures::Real => None,
            scenario::Signatures::Standin => Some(Arc::new(Standins::new(keccak256(
                [b"standins", &seed.to_be_bytes()[..]].concat(),
            )))),
        };
        let signatures: Arc<dyn Signatures> = match &standins {
            Some(standins) => Arc::clone(standins) as Arc<dyn Signatures>,
            None => Arc::new(Shipped),
        };
        let ledger = Ledger::with_signatures(genesis.clone(), signatures)
            .expect("the world's genesis is valid");
        Self {
            genesis,
            secrets,
            ledger,
            validators: LedgerValidators::new(keys).expect("as many keys as a committee has"),
            timeouts: engine::Timeouts::default(),
            standins,
            consensus_standins: Arc::new(consensus_standins),
        }
    }

    /// Members.
    pub fn members(&self) -> usize {
        self.secrets.len()
    }

    /// How signatures are made and checked.
    pub fn signatures(&self) -> &dyn Signatures {
        self.ledger.signatures()
    }

    /// The keys of one member's consensus.
    pub fn consensus_keys(&self, place: usize) -> Keys {
        let secrets = self.of(place);
        let ledger_id = self.ledger.state().ledger_id.0;
        let key = consensus_key(secrets);
        match self.standins {
            None => Keys::real(ledger_id, key),
            Some(_) => Keys::Standin {
                address: key.public_key().address(),
                standins: Arc::clone(&self.consensus_standins),
                ledger_id,
            },
        }
    }

    /// What an operator's process is started with; `starts` says which of its processes it is.
    pub fn config(&self, place: usize, starts: u32) -> Config {
        let secrets = self.of(place);
        let entropy = keccak256([secrets.network.as_slice(), &starts.to_be_bytes()].concat()).0;
        Config {
            signer: self.signer(place),
            network_key: self.network_key(place),
            salt_secret: secrets.operator.into(),
            entropy: entropy.into(),
        }
    }

    /// A member's key for bundles.
    pub fn signer(&self, place: usize) -> Signer {
        Signer::from_secret(&self.of(place).operator).expect("a hash is a valid key")
    }

    /// A member's key for envelopes.
    pub fn network_key(&self, place: usize) -> SigningKey {
        SigningKey::from_bytes(&self.of(place).network)
    }

    fn of(&self, place: usize) -> &Secrets {
        self.secrets.get(place).expect("a member's place")
    }

    /// Whether these bytes are that member's partial signature on the message.
    pub fn is_partial(
        &self,
        ledger: &Ledger,
        place: u16,
        message: B256,
        partial: &[u8; 48],
    ) -> bool {
        if let Some(standins) = &self.standins {
            return standins.is_partial(place, message, partial);
        }
        let (Some(group), Ok(signature)) =
            (ledger.group(), threshold::Signature::from_bytes(partial))
        else {
            return false;
        };
        let partial = threshold::PartialSignature { index: place, signature };
        threshold::verify_partial(&group.sharing, place, &message.0, &partial).is_ok()
    }

    /// Whether these bytes, as the EVM takes them, are the group's signature on the message.
    pub fn is_group_signature(
        &self,
        ledger: &Ledger,
        message: B256,
        signature: &[u8; 128],
    ) -> bool {
        let Some(group) = ledger.group() else { return false };
        let compressed = match &self.standins {
            Some(_) => {
                let mut long = [0; 48];
                for (to, from) in long.iter_mut().zip(signature) {
                    *to = *from;
                }
                long
            }
            None => match threshold::Signature::from_eip2537(signature) {
                Ok(signature) => signature.to_bytes(),
                Err(_) => return false,
            },
        };
        let point = ledger.signatures().group_signature(&group.key, message, &compressed);
        point.is_some_and(|point| *point.eip2537 == *signature)
    }
}

fn consensus_key(secrets: &Secrets) -> ConsensusKey {
    ConsensusKey::from_bytes(&secrets.consensus).expect("a hash is a valid key")
}

fn genesis(scenario: &Scenario, seed: u64, secrets: &[Secrets]) -> Genesis {
    let windows = scenario.jobs.windows;
    Genesis {
        salt: keccak256(seed.to_be_bytes()),
        time_ms: LedgerTime(START_UNIX_MS),
        committee_id: 0,
        hubs: vec![Hub { chain_id: 31_337, hub: [0xAB; 20].into(), start_block: 0 }],
        members: secrets
            .iter()
            .map(|secrets| Member {
                operator: Signer::from_secret(&secrets.operator)
                    .expect("a hash is a valid key")
                    .address(),
                consensus_key: consensus_key(secrets).public_key().to_bytes(),
                network_key: threshold::dkg::public_identity(&secrets.network),
                addresses: Vec::new(),
            })
            .collect(),
        parameters: Parameters {
            answer_ms: windows.answer_ms,
            commit_ms: windows.commit_ms,
            reveal_ms: windows.reveal_ms,
            ceremony_ms: windows.ceremony_ms,
        },
    }
}

/// A member's index by its place.
pub fn index(place: usize) -> OperatorIndex {
    OperatorIndex(u16::try_from(place).unwrap_or(u16::MAX))
}

/// The bytes that a subject stands for, while it is due.
pub fn message_of(ledger: &Ledger, subject: Subject) -> Option<B256> {
    ledger.state().due.get(&subject).copied()
}
