// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IResourceEscrow} from "../src/interfaces/IResourceEscrow.sol";
import {EscrowFixture} from "./support/EscrowFixture.sol";

/// @dev What a quote must be for its provider's stake to be at risk.
contract ResourceEscrowQuoteTest is EscrowFixture {
    uint256 private constant SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    event QuoteCancelled(address indexed provider, uint256 nonce);

    function test_quoteDigest_anyQuote_isEip712() public view {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Assay ResourceEscrow"),
                keccak256("1"),
                block.chainid,
                address(escrow)
            )
        );
        bytes32 structHash = keccak256(
            bytes.concat(
                abi.encode(
                    keccak256(
                        "Quote(address provider,address consumer,bytes4 kind,bytes32 statementHash,address token,uint256 price,uint256 stakeAtRisk,uint64 validUntil,uint64 deadline,uint256 nonce)"
                    ),
                    quote.provider,
                    quote.consumer,
                    quote.kind,
                    quote.statementHash
                ),
                abi.encode(quote.token, quote.price, quote.stakeAtRisk, quote.validUntil, quote.deadline, quote.nonce)
            )
        );
        vm.assertEq(escrow.quoteDigest(quote), keccak256(abi.encodePacked(hex"1901", domain, structHash)));
    }

    function test_createJob_quoteSignedByAnother_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        expectCreateReverts(
            quote,
            signWith(0xbad, quote),
            abi.encodeWithSelector(IResourceEscrow.BadQuoteSignature.selector, vm.addr(0xbad), provider)
        );
    }

    function testFuzz_createJob_anyFieldChangedAfterSigning_reverts(uint8 field, uint256 change) public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes memory signature = sign(quote);
        change = bound(change, 1, 1 ether);
        field %= 7;
        if (field == 0) quote.price -= change;
        else if (field == 1) quote.stakeAtRisk += change;
        else if (field == 2) quote.nonce += change;
        else if (field == 3) quote.deadline += uint64(change);
        else if (field == 4) quote.validUntil += uint64(change);
        else if (field == 5) quote.consumer = consumer;
        else quote.kind = bytes4(uint32(quote.kind) ^ uint32(bound(change, 1, type(uint32).max)));
        vm.prank(consumer);
        vm.expectPartialRevert(IResourceEscrow.BadQuoteSignature.selector);
        escrow.createJob{value: HUB_FEE}(quote, signature, STATEMENT, quote.price);
    }

    function test_createJob_quoteForAnotherEscrow_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes memory signature = sign(quote);
        escrow = newEscrow();
        vm.prank(consumer);
        vm.expectPartialRevert(IResourceEscrow.BadQuoteSignature.selector);
        escrow.createJob{value: HUB_FEE}(quote, signature, STATEMENT, quote.price);
    }

    function test_createJob_highSSignature_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(providerKey, escrow.quoteDigest(quote));
        bytes32 twin = bytes32(SECP256K1_ORDER - uint256(s));
        expectCreateReverts(
            quote,
            abi.encodePacked(r, twin, v == 27 ? uint8(28) : uint8(27)),
            abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, twin)
        );
    }

    function test_createJob_signatureTooShort_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        expectCreateReverts(
            quote, new bytes(64), abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, 64)
        );
    }

    function test_createJob_zeroProvider_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.provider = address(0);
        expectCreateReverts(quote, new bytes(65), abi.encodeWithSelector(ECDSA.ECDSAInvalidSignature.selector));
    }

    function test_createJob_quoteExpired_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes memory signature = sign(quote);
        vm.warp(quote.validUntil + 1);
        expectCreateReverts(
            quote, signature, abi.encodeWithSelector(IResourceEscrow.QuoteExpired.selector, quote.validUntil)
        );
    }

    function test_createJob_atValidUntil_isTaken() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        vm.warp(quote.validUntil);
        create(quote);
    }

    function test_createJob_quoteForAnotherConsumer_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.consumer = stranger;
        expectCreateReverts(
            quote, sign(quote), abi.encodeWithSelector(IResourceEscrow.QuoteNotForCaller.selector, stranger, consumer)
        );
    }

    function test_createJob_quoteForThisConsumer_isTaken() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.consumer = consumer;
        create(quote);
    }

    function test_createJob_otherStatement_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes memory signature = sign(quote);
        vm.prank(consumer);
        vm.expectRevert(
            abi.encodeWithSelector(
                IResourceEscrow.StatementMismatch.selector, quote.statementHash, keccak256("another")
            )
        );
        escrow.createJob{value: HUB_FEE}(quote, signature, "another", PRICE);
    }

    function test_createJob_deadlineTooSoon_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.deadline = START + MINIMUM - 1;
        expectCreateReverts(
            quote,
            sign(quote),
            abi.encodeWithSelector(IResourceEscrow.DeadlineTooSoon.selector, quote.deadline, START + MINIMUM)
        );
    }

    function test_createJob_deadlineAtMinimum_isTaken() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.deadline = START + MINIMUM;
        create(quote);
    }

    function test_createJob_zeroPrice_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.price = 0;
        expectCreateReverts(quote, sign(quote), abi.encodeWithSelector(IResourceEscrow.ZeroPrice.selector));
    }

    function test_createJob_priceBeyondType_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.price = uint256(type(uint128).max) + 1;
        expectCreateReverts(
            quote,
            sign(quote),
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 128, quote.price)
        );
    }

    function test_createJob_quoteTakenBefore_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        create(quote);
        expectCreateReverts(
            quote, sign(quote), abi.encodeWithSelector(IResourceEscrow.NonceUsed.selector, provider, quote.nonce)
        );
    }

    function testFuzz_createJob_noncesInAnyOrder_areTakenOnce(uint256 first, uint256 second) public {
        if (first == second) return;
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.nonce = first;
        create(quote);
        vm.assertFalse(escrow.isNonceUsed(provider, second), "used by another nonce");
        quote.nonce = second;
        create(quote);
        vm.assertTrue(
            escrow.isNonceUsed(provider, first) && escrow.isNonceUsed(provider, second), "nonces are not used"
        );
    }

    function test_createJob_revertedAttempt_leavesTheNonce() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes memory signature = sign(quote);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.InsufficientDeposit.selector, 0, PRICE));
        escrow.createJob{value: HUB_FEE}(quote, signature, STATEMENT, 0);
        create(quote);
    }

    function test_cancelQuote_byProvider_blocksIt() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        vm.prank(provider);
        vm.expectEmit();
        emit QuoteCancelled(provider, quote.nonce);
        escrow.cancelQuote(quote.nonce);
        expectCreateReverts(
            quote, sign(quote), abi.encodeWithSelector(IResourceEscrow.NonceUsed.selector, provider, quote.nonce)
        );
    }

    function test_cancelQuote_byStranger_blocksNothing() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        vm.prank(stranger);
        escrow.cancelQuote(quote.nonce);
        create(quote);
    }

    function test_cancelQuote_usedNonce_reverts() public {
        create();
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.NonceUsed.selector, provider, 1));
        escrow.cancelQuote(1);
    }
}
