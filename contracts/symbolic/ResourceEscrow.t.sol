// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {ResourceEscrow} from "../src/ResourceEscrow.sol";
import {ResourceRegistry} from "../src/ResourceRegistry.sol";
import {IAttestationConsumer} from "../src/interfaces/IAttestationConsumer.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {IResourceEscrow} from "../src/interfaces/IResourceEscrow.sol";
import {IResourceRegistry} from "../src/interfaces/IResourceRegistry.sol";
import {Symbolic, SymbolicHub, SymbolicToken} from "./Symbolic.sol";

/// @dev The escrow's money with one job, for every price, stake, deposit, verdict, time and caller.
contract ResourceEscrowSymbolicTest is Symbolic {
    address private constant _CONSUMER = address(0xc0);
    address private constant _TREASURY = address(0x77);
    address private constant _BURNER = address(0xdead);
    uint256 private constant _FEE = 5;
    uint256 private constant _KEY = 0xa11ce;
    uint64 private constant _DEADLINE = uint64(START + 1 days);

    address private _provider;
    SymbolicHub private _hub;
    SymbolicToken private _token;
    SymbolicToken private _stake;
    ResourceRegistry private _registry;
    ResourceEscrow private _escrow;

    function setUp() public {
        vm.warp(START);
        _provider = vm.addr(_KEY);
        _hub = new SymbolicHub(_FEE, 1 hours);
        _token = new SymbolicToken();
        _stake = new SymbolicToken();
        _registry = new ResourceRegistry(address(this), IERC20(address(_stake)), 2 hours, 5000, _BURNER);
        _escrow = new ResourceEscrow(
            IAttestationHub(address(_hub)), IResourceRegistry(address(_registry)), _TREASURY, 250, 2000, 2 hours
        );
        _registry.grantRole(_registry.ESCROW_ROLE(), address(_escrow));
        _stake.mint(_provider, type(uint128).max);
        vm.prank(_provider);
        _stake.approve(address(_registry), type(uint256).max);
        vm.prank(_provider);
        _registry.register("did:web:provider.example", type(uint128).max);
        vm.prank(_provider);
        _registry.setEscrowLimit(address(_escrow), type(uint256).max);
        vm.prank(_CONSUMER);
        _token.approve(address(_escrow), type(uint256).max);
        vm.deal(_CONSUMER, 10 * _FEE);
        // to halmos the key's address may be any: here the provider is a party of its own
        vm.assume(_provider != _CONSUMER && _provider != _TREASURY && _provider != _BURNER);
        vm.assume(_provider != address(_escrow) && _provider != address(_registry) && _provider != address(_hub));
        vm.assume(_provider != address(_token) && _provider != address(_stake) && _provider != address(this));
    }

    /// @dev What a creation puts on the books is what came in, the stake at risk is the quote's, and no quote is used twice.
    function check_createJob_booksWhatCameIn(uint128 price, uint128 atRisk, uint128 amount, uint64 time) public {
        vm.warp(time);
        IResourceEscrow.Quote memory quote = _quote(price, atRisk);
        bytes memory call = _createCall(quote, amount);
        _token.mint(_CONSUMER, uint256(amount) * 2);
        vm.assume(_call(_CONSUMER, address(_escrow), _FEE, call));
        assert(amount >= price && price > 0 && time <= quote.validUntil);
        assert(_token.balanceOf(address(_escrow)) == amount);
        assert(_escrow.owed(address(_token), _CONSUMER) == uint256(amount) - price);
        assert(_registry.lockedBy(_provider, address(_escrow)) == atRisk);
        assert(!_call(_CONSUMER, address(_escrow), _FEE, call));
    }

    /// @dev A quote that names somebody else, another statement, or was signed by another, is of no use.
    function check_createJob_onlyUnderTheProvidersQuote(address sender, uint8 v, bytes32 r, bytes32 s) public {
        IResourceEscrow.Quote memory quote = _quote(100, 50);
        quote.consumer = _CONSUMER;
        _token.mint(sender, 100);
        vm.assume(sender != address(_escrow) && sender != address(_hub) && sender != address(_registry));
        vm.prank(sender);
        _token.approve(address(_escrow), 100);
        vm.deal(sender, _FEE);
        bytes memory call = abi.encodeCall(
            IResourceEscrow.createJob, (quote, abi.encodePacked(r, s, v), bytes("statement"), uint256(100))
        );
        vm.assume(_call(sender, address(_escrow), _FEE, call));
        assert(sender == _CONSUMER);
        assert(ecrecover(_escrow.quoteDigest(quote), v, r, s) == _provider);
    }

    /// @dev A settlement needs a final verdict, and owes the price to the provider and the treasury, or else to the consumer.
    function check_settle_paysOrRefunds(
        uint128 price,
        uint128 atRisk,
        uint8 status,
        uint64 finalAt,
        uint64 time,
        address caller
    )
        public
    {
        bytes32 jobId = _create(price, atRisk);
        _hub.say(status, finalAt);
        vm.warp(time);
        vm.assume(_call(caller, address(_escrow), 0, abi.encodeCall(IResourceEscrow.settle, (jobId))));
        assert(status != 0 && time >= finalAt);
        uint256 toConsumer = _escrow.owed(address(_token), _CONSUMER);
        uint256 toProvider = _escrow.owed(address(_token), _provider);
        uint256 toTreasury = _escrow.owed(address(_token), _TREASURY);
        assert(toConsumer + toProvider + toTreasury == price);
        if (status == 1) assert(toConsumer == 0);
        else assert(toConsumer == price);
    }

    /// @dev The treasury gets its part, rounded down. Division is what a solver finds hardest, hence few bits.
    function check_settle_feeIsTheStatedPart(uint32 price) public {
        bytes32 jobId = _create(price, 50);
        _hub.say(1, 0);
        vm.assume(_call(_CONSUMER, address(_escrow), 0, abi.encodeCall(IResourceEscrow.settle, (jobId))));
        uint256 toTreasury = _escrow.owed(address(_token), _TREASURY);
        assert(toTreasury * 40 <= price && price < toTreasury * 40 + 40);
    }

    /// @dev Whatever the verdict, the stake at risk is unlocked, and slashed only for Invalid, wholly, or Missed, in part.
    function check_settle_slashesAtMostTheStakeAtRisk(uint128 atRisk, uint8 status) public {
        bytes32 jobId = _create(100, atRisk);
        _hub.say(status, uint64(START));
        vm.assume(_call(_CONSUMER, address(_escrow), 0, abi.encodeCall(IResourceEscrow.settle, (jobId))));
        assert(_registry.lockedBy(_provider, address(_escrow)) == 0);
        uint256 slashed = type(uint128).max - _registry.providerOf(_provider).free;
        assert(_registry.claimable(_CONSUMER) + _registry.claimable(_BURNER) == slashed);
        if (status == 2) assert(slashed == atRisk);
        else if (status != 3) assert(slashed == 0);
    }

    /// @dev A missed job costs the stated part of the stake at risk, rounded down.
    function check_settle_missedCostsTheStatedPart(uint32 atRisk) public {
        bytes32 jobId = _create(100, atRisk);
        _hub.say(3, 0);
        vm.assume(_call(_CONSUMER, address(_escrow), 0, abi.encodeCall(IResourceEscrow.settle, (jobId))));
        uint256 slashed = type(uint128).max - _registry.providerOf(_provider).free;
        assert(slashed * 5 <= atRisk && atRisk < slashed * 5 + 5);
    }

    /// @dev An expiry needs the deadline behind it and no verdict, and refunds price and fee.
    function check_expire_refundsAfterTheDeadline(
        uint128 price,
        uint128 atRisk,
        uint8 status,
        uint64 time,
        address caller
    )
        public
    {
        bytes32 jobId = _create(price, atRisk);
        _hub.say(status, 0);
        vm.warp(time);
        vm.assume(_call(caller, address(_escrow), 0, abi.encodeCall(IResourceEscrow.expire, (jobId))));
        assert(status == 0 && time > _DEADLINE);
        assert(_escrow.owed(address(_token), _CONSUMER) == price);
        assert(_escrow.owed(address(_token), _provider) == 0);
        assert(_escrow.owed(address(0), _CONSUMER) == _FEE);
        assert(_registry.providerOf(_provider).free == type(uint128).max);
    }

    /// @dev Of two ends in any order, one by the hub's push, the second changes nothing: nobody is paid twice.
    function check_end_happensOnce(
        uint128 price,
        uint8 first,
        uint8 second,
        uint8 said,
        uint8 later,
        uint64 time
    )
        public
    {
        bytes32 jobId = _create(price, 50);
        _hub.say(said, 0);
        vm.warp(time);
        vm.assume(_end(first, jobId));
        uint256 before = _allOwed();
        _hub.say(later, 0);
        _end(second, jobId);
        assert(_allOwed() == before && before == price);
    }

    /// @dev Only the hub pushes.
    function check_onAttested_onlyTheHub(address caller, uint8 verdict) public {
        bytes32 jobId = _create(100, 50);
        _hub.say(1, 0);
        bytes memory call = abi.encodeCall(IAttestationConsumer.onAttested, (jobId, verdict, 1, 0));
        vm.assume(_call(caller, address(_escrow), 0, call));
        assert(caller == address(_hub));
    }

    /// @dev A withdrawal takes what the caller is owed, once, and leaves what others are owed covered.
    function check_withdraw_takesOwnCreditOnce(
        uint128 price,
        uint8 status,
        address caller,
        address other,
        address to
    )
        public
    {
        bytes32 jobId = _create(price, 50);
        _hub.say(status, 0);
        vm.assume(_call(_CONSUMER, address(_escrow), 0, abi.encodeCall(IResourceEscrow.settle, (jobId))));
        vm.assume(other != caller);
        uint256 mine = _escrow.owed(address(_token), caller);
        uint256 others = _escrow.owed(address(_token), other);
        bytes memory call = abi.encodeCall(IResourceEscrow.withdraw, (address(_token), to));
        vm.assume(_call(caller, address(_escrow), 0, call));
        assert(mine > 0 && to != address(_escrow));
        assert(_escrow.owed(address(_token), caller) == 0);
        assert(_escrow.owed(address(_token), other) == others);
        assert(_token.balanceOf(address(_escrow)) == uint256(price) - mine);
        assert(!_call(caller, address(_escrow), 0, call));
    }

    function _end(uint8 how, bytes32 jobId) private returns (bool) {
        bytes memory settle = abi.encodeCall(IResourceEscrow.settle, (jobId));
        bytes memory expire = abi.encodeCall(IResourceEscrow.expire, (jobId));
        bytes memory push = abi.encodeCall(IAttestationConsumer.onAttested, (jobId, 0, 1, 0));
        if (how == 0) return _call(_CONSUMER, address(_escrow), 0, settle);
        if (how == 1) return _call(_provider, address(_escrow), 0, expire);
        return _call(address(_hub), address(_escrow), 0, push);
    }

    function _allOwed() private view returns (uint256) {
        return _escrow.owed(address(_token), _CONSUMER) + _escrow.owed(address(_token), _provider)
            + _escrow.owed(address(_token), _TREASURY);
    }

    function _quote(uint256 price, uint256 atRisk) private view returns (IResourceEscrow.Quote memory) {
        return IResourceEscrow.Quote({
            provider: _provider,
            consumer: address(0),
            kind: 0x01020304,
            statementHash: keccak256("statement"),
            token: address(_token),
            price: price,
            stakeAtRisk: atRisk,
            validUntil: uint64(START + 1 hours),
            deadline: _DEADLINE,
            nonce: 1
        });
    }

    function _createCall(IResourceEscrow.Quote memory quote, uint256 amount) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_KEY, _escrow.quoteDigest(quote));
        // a signature that the curve's low half holds, as every signer makes
        vm.assume(uint256(s) <= 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0);
        return abi.encodeCall(IResourceEscrow.createJob, (quote, abi.encodePacked(r, s, v), bytes("statement"), amount));
    }

    function _create(uint128 price, uint128 atRisk) private returns (bytes32 jobId) {
        _token.mint(_CONSUMER, price);
        vm.assume(_call(_CONSUMER, address(_escrow), _FEE, _createCall(_quote(price, atRisk), price)));
        return bytes32(uint256(1));
    }
}
