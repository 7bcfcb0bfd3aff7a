//! One module a contract, over its committed ABI: calls, events, errors, structs, and for what can be deployed its
//! creation code. Structs that an interface declares are in the module of that interface.
#![allow(
    missing_docs,
    reason = "generated from ABIs; the NatSpec of contracts/src/interfaces documents them"
)]
#![allow(clippy::too_many_arguments, reason = "generated from constructors with many arguments")]

mod hub {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, Eq)]
        AttestationHub,
        "../abi/AttestationHub.json"
    );
}

mod operators {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, Eq)]
        OperatorRegistry,
        "../abi/OperatorRegistry.json"
    );
}

mod verifying_keys {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, Eq)]
        VerifierRegistry,
        "../abi/VerifierRegistry.json"
    );
}

mod consumer {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, Eq)]
        AttestationConsumer,
        "../abi/IAttestationConsumer.json"
    );
}

mod resources {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, Eq)]
        ResourceRegistry,
        "../abi/ResourceRegistry.json"
    );
}

mod escrow {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, Eq)]
        ResourceEscrow,
        "../abi/ResourceEscrow.json"
    );
}

mod token {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, Eq)]
        DevToken,
        "../abi/DevToken.json"
    );
}

mod template {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, Eq)]
        ProofGate,
        "../abi/ProofGate.json"
    );
}

pub use consumer::AttestationConsumer;
pub use escrow::{IResourceEscrow, ResourceEscrow};
pub use hub::{AttestationHub, IAttestationHub};
pub use operators::{IOperatorRegistry, OperatorRegistry};
pub use resources::{IResourceRegistry, ResourceRegistry};
pub use template::ProofGate;
pub use token::DevToken;
pub use verifying_keys::{IVerifierRegistry, VerifierRegistry};
