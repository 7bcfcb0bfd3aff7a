// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CodeStore} from "../../src/libraries/CodeStore.sol";
import {RecordingHub} from "./RecordingHub.sol";

/// @dev A fixed number of secp256k1 signatures in ascending order of their signers' places. Signers are kept as code, one
/// cold read for all of them, where a slot for each would cost 2,100 gas a signature. A signature is place u8 ‖ r ‖ vs of
/// EIP-2098, 65 bytes.
contract EcdsaHub is RecordingHub {
    uint256 private constant _S_MASK = type(uint256).max >> 1;
    /// @dev Half of the group's order: a higher s is the same signature once more.
    uint256 private constant _S_MAX = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    uint256 private immutable _NEEDED;
    uint256 private immutable _SIGNERS;

    /// @param signers their addresses, 20 bytes each
    constructor(
        bytes32 ledger,
        uint64 epoch,
        uint256 fee,
        bytes memory signers,
        uint256 needed
    )
        RecordingHub(ledger, epoch, fee, CodeStore.write(signers))
    {
        (_SIGNERS, _NEEDED) = (signers.length / 20, needed);
    }

    function _isSigned(address keys, bytes32 message, bytes calldata signature) internal view override returns (bool) {
        if (signature.length != _NEEDED * 65) return false;
        bytes memory signers = CodeStore.read(keys, 0, _SIGNERS * 20);
        uint256 next;
        for (uint256 offset = 0; offset < signature.length; offset += 65) {
            uint256 place = uint8(signature[offset]);
            if (place < next || place >= _SIGNERS) return false;
            next = place + 1;
            bytes32 r = bytes32(signature[offset + 1:offset + 33]);
            uint256 vs = uint256(bytes32(signature[offset + 33:offset + 65]));
            if (vs & _S_MASK > _S_MAX) return false;
            address signer = ecrecover(message, uint8(27 + (vs >> 255)), r, bytes32(vs & _S_MASK));
            if (signer == address(0)) return false;
            // a signer's 20 bytes, read as the end of the word that ends with them
            if (signer != address(bytes20(CodeStore.word(signers, place * 20)))) return false;
        }
        return true;
    }
}
