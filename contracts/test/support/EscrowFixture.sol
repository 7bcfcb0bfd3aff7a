// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ResourceEscrow} from "../../src/ResourceEscrow.sol";
import {ResourceRegistry} from "../../src/ResourceRegistry.sol";
import {IAttestationHub} from "../../src/interfaces/IAttestationHub.sol";
import {IResourceEscrow} from "../../src/interfaces/IResourceEscrow.sol";
import {IResourceRegistry} from "../../src/interfaces/IResourceRegistry.sol";
import {MockHub} from "../mocks/MockHub.sol";
import {MockToken} from "../mocks/Tokens.sol";
import {CheatTest} from "./Cheats.sol";

/// @dev One registry, one hub and one escrow, a provider with stake and a consumer with tokens.
abstract contract EscrowFixture is CheatTest {
    uint64 internal constant START = 1_800_000_000;
    uint64 internal constant WINDOW = 1 days;
    uint64 internal constant DELAY = 7 days;
    uint64 internal constant MINIMUM = 2 hours;
    uint16 internal constant FEE_BPS = 250;
    uint16 internal constant MISSED_BPS = 2000;
    uint16 internal constant COMPENSATION_BPS = 5000;
    uint256 internal constant HUB_FEE = 0.01 ether;
    uint256 internal constant STAKE = 1000 ether;
    uint256 internal constant PRICE = 100 ether;
    uint256 internal constant AT_RISK = 50 ether;
    bytes4 internal constant KIND = bytes4(keccak256("groth16-bn254"));
    bytes internal constant STATEMENT = "a statement";

    uint8 internal constant VALID = 0;
    uint8 internal constant INVALID = 1;
    uint8 internal constant MISSED = 2;
    uint8 internal constant INCONCLUSIVE = 3;

    uint256 internal providerKey = 0xa11ce;
    address internal provider = vm.addr(providerKey);
    address internal admin = address(0xad);
    address internal consumer = address(0xc0);
    address internal treasury = address(0x77);
    address internal burner = address(0xdead);
    address internal stranger = address(0x57);

    MockHub internal hub;
    MockToken internal stakeToken;
    MockToken internal token;
    ResourceRegistry internal registry;
    ResourceEscrow internal escrow;

    function setUp() public virtual {
        vm.warp(START);
        hub = new MockHub(HUB_FEE, WINDOW);
        stakeToken = new MockToken();
        token = new MockToken();
        registry = new ResourceRegistry(admin, IERC20(address(stakeToken)), DELAY, COMPENSATION_BPS, burner);
        escrow = newEscrow();
        bytes32 role = registry.ESCROW_ROLE();
        vm.prank(admin);
        registry.grantRole(role, address(escrow));

        stakeToken.mint(provider, STAKE);
        vm.startPrank(provider);
        stakeToken.approve(address(registry), STAKE);
        registry.register("did:web:provider.example", STAKE);
        registry.setEscrowLimit(address(escrow), type(uint256).max);
        vm.stopPrank();

        fund(token, consumer, 1000 ether);
    }

    function newEscrow() internal returns (ResourceEscrow) {
        return new ResourceEscrow(
            IAttestationHub(address(hub)), IResourceRegistry(address(registry)), treasury, FEE_BPS, MISSED_BPS, MINIMUM
        );
    }

    function fund(MockToken paid, address account, uint256 amount) internal {
        paid.mint(account, amount);
        vm.deal(account, account.balance + 1 ether);
        vm.prank(account);
        paid.approve(address(escrow), type(uint256).max);
    }

    /// @dev The quote that most tests take, with nonce 1.
    function defaultQuote() internal view returns (IResourceEscrow.Quote memory) {
        return IResourceEscrow.Quote({
            provider: provider,
            consumer: address(0),
            kind: KIND,
            statementHash: keccak256(STATEMENT),
            token: address(token),
            price: PRICE,
            stakeAtRisk: AT_RISK,
            validUntil: START + 1 hours,
            deadline: START + 1 days,
            nonce: 1
        });
    }

    function sign(IResourceEscrow.Quote memory quote) internal view returns (bytes memory) {
        return signWith(providerKey, quote);
    }

    function signWith(uint256 key, IResourceEscrow.Quote memory quote) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, escrow.quoteDigest(quote));
        return abi.encodePacked(r, s, v);
    }

    function create(IResourceEscrow.Quote memory quote) internal returns (bytes32) {
        return create(quote, quote.price);
    }

    function create(IResourceEscrow.Quote memory quote, uint256 amount) internal returns (bytes32) {
        bytes memory signature = sign(quote);
        vm.prank(consumer);
        return escrow.createJob{value: HUB_FEE}(quote, signature, STATEMENT, amount);
    }

    function create() internal returns (bytes32) {
        return create(defaultQuote());
    }

    /// @dev Expects `createJob` by the consumer to revert with `reason`.
    function expectCreateReverts(
        IResourceEscrow.Quote memory quote,
        bytes memory signature,
        bytes memory reason
    )
        internal
    {
        vm.prank(consumer);
        vm.expectRevert(reason);
        escrow.createJob{value: HUB_FEE}(quote, signature, STATEMENT, quote.price);
    }

    /// @dev Records `verdict` now and moves to the end of its challenge window.
    function recordFinal(bytes32 jobId, uint8 verdict) internal {
        hub.record(jobId, verdict);
        vm.warp(block.timestamp + WINDOW);
    }

    function settled(uint8 verdict) internal returns (bytes32 jobId) {
        jobId = create();
        recordFinal(jobId, verdict);
        escrow.settle(jobId);
    }

    function owedTo(address account) internal view returns (uint256) {
        return escrow.owed(address(token), account);
    }

    function stateIs(bytes32 jobId, IResourceEscrow.State state) internal view {
        vm.assertEq(uint256(escrow.stateOf(jobId)), uint256(state));
    }
}
