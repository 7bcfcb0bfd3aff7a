// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ResourceEscrow} from "../../src/ResourceEscrow.sol";
import {ResourceRegistry} from "../../src/ResourceRegistry.sol";
import {IResourceEscrow} from "../../src/interfaces/IResourceEscrow.sol";
import {MockHub} from "../mocks/MockHub.sol";
import {FalseToken, FeeToken, MockToken, ReentrantToken, SilentToken} from "../mocks/Tokens.sol";
import {CheatTest} from "./Cheats.sol";
import {Reached} from "./Reached.sol";

/// @dev Everything that anyone can do with money here, with a ledger of its own beside it: what each call must change is
/// computed from the rules alone, and the invariant test compares. A call that must fail is made too, and must fail.
contract MoneyHandler is CheatTest, Reached {
    struct GhostJob {
        bytes32 id;
        address token;
        address consumer;
        address provider;
        uint256 price;
        uint256 atRisk;
        uint256 deadline;
        uint256 recordedAt;
        uint8 verdict;
        bool recorded;
        IResourceEscrow.State state;
    }

    uint256 private constant BPS = 10_000;
    bytes4 private constant KIND = bytes4(keccak256("groth16-bn254"));

    MockHub public immutable hub;
    ResourceEscrow public immutable escrow;
    ResourceRegistry public immutable registry;
    MockToken public immutable stakeToken;
    address public immutable treasury;
    address public immutable burner;

    address[] public tokens;
    address[] public parties;
    address[] public providers;
    uint256[] private _providerKeys;
    address[] private _consumers;
    GhostJob[] private _jobs;
    uint256 private _nonce;

    /// @dev What each party is owed by the escrow; the zero address stands for native currency.
    mapping(address token => mapping(address party => uint256)) public ghostOwed;
    /// @dev The prices of open jobs.
    mapping(address token => uint256) public ghostHeld;
    /// @dev Sent to the escrow by nobody's job: owed to nobody.
    mapping(address token => uint256) public ghostDonated;
    mapping(address party => uint256) public ghostClaimable;
    mapping(address provider => uint256) public ghostFree;
    mapping(address provider => uint256) public ghostLocked;
    mapping(address provider => uint256) public ghostLeaving;
    mapping(address provider => uint256) public ghostLeavingAt;
    uint256 public ghostStakeDonated;

    constructor(
        MockHub hub_,
        ResourceEscrow escrow_,
        ResourceRegistry registry_,
        MockToken stakeToken_,
        uint256[] memory providerKeys
    ) {
        hub = hub_;
        escrow = escrow_;
        registry = registry_;
        stakeToken = stakeToken_;
        treasury = escrow_.feeRecipient();
        burner = registry_.slashRecipient();
        tokens.push(address(new MockToken()));
        tokens.push(address(new FeeToken(300)));
        tokens.push(address(new SilentToken()));
        tokens.push(address(new FalseToken()));
        tokens.push(address(new ReentrantToken()));
        for (uint256 i = 0; i < 3; ++i) {
            _consumers.push(address(uint160(0xc000 + i)));
        }
        _providerKeys = providerKeys;
        for (uint256 i = 0; i < providerKeys.length; ++i) {
            address provider = vm.addr(providerKeys[i]);
            providers.push(provider);
            parties.push(provider);
            vm.startPrank(provider);
            stakeToken_.mint(provider, 1e24);
            stakeToken_.approve(address(registry_), 1e24);
            registry_.register("did:web:provider.example", 1e24);
            registry_.setEscrowLimit(address(escrow_), type(uint256).max);
            vm.stopPrank();
            ghostFree[provider] = 1e24 - 1e24 * FeeToken(address(stakeToken_)).feeBps() / BPS;
        }
        for (uint256 i = 0; i < _consumers.length; ++i) {
            parties.push(_consumers[i]);
        }
        parties.push(treasury);
        parties.push(burner);
    }

    // The escrow

    function createJob(
        uint256 consumerSeed,
        uint256 providerSeed,
        uint256 tokenSeed,
        uint256 price,
        uint256 extra,
        uint256 atRisk
    )
        external
    {
        GhostJob memory job;
        job.consumer = _pick(_consumers, consumerSeed);
        job.provider = _pick(providers, providerSeed);
        job.token = _pick(tokens, tokenSeed);
        job.price = bound(price, 1, 1e24);
        job.atRisk = bound(atRisk, 0, ghostFree[job.provider]);
        job.deadline = block.timestamp + escrow.minimumDuration() + extra % 1 days;
        // At times too little for a fee on transfer, at times more than enough.
        uint256 amount = job.price + job.price * (extra % 5) / 100;

        bytes memory call = _createCall(job, _providerKeys[providerSeed % _providerKeys.length], amount);
        uint256 arrives = _arrives(job.token, amount);
        MockToken(job.token).mint(job.consumer, amount);
        vm.deal(job.consumer, hub.fee());
        vm.prank(job.consumer);
        SilentToken(job.token).approve(address(escrow), amount); // expects no return value, so it suits every token
        bytes memory result = _call(job.consumer, hub.fee(), call, arrives >= job.price, "createJob");
        if (arrives < job.price) return;

        job.id = abi.decode(result, (bytes32));
        job.state = IResourceEscrow.State.Requested;
        _jobs.push(job);
        ghostHeld[job.token] += job.price;
        ghostOwed[job.token][job.consumer] += arrives - job.price;
        ghostFree[job.provider] -= job.atRisk;
        ghostLocked[job.provider] += job.atRisk;
    }

    function recordVerdict(uint256 jobSeed, uint8 verdict) external {
        if (_jobs.length == 0) return;
        GhostJob storage job = _jobs[jobSeed % _jobs.length];
        verdict %= 4;
        hub.record(job.id, verdict);
        if (job.recorded) return;
        (job.recorded, job.verdict, job.recordedAt) = (true, verdict, block.timestamp);
        _did("recordVerdict");
    }

    function settle(uint256 jobSeed) external {
        if (_jobs.length == 0) return;
        GhostJob storage job = _jobs[jobSeed % _jobs.length];
        bool works = job.state == IResourceEscrow.State.Requested && _isFinal(job);
        _call(address(this), 0, abi.encodeCall(IResourceEscrow.settle, (job.id)), works, "settle");
        if (works) _settled(job);
    }

    function deliver(uint256 jobSeed) external {
        if (_jobs.length == 0) return;
        GhostJob storage job = _jobs[jobSeed % _jobs.length];
        bool open = job.state == IResourceEscrow.State.Requested;
        (bool ok,) = address(hub).call(abi.encodeCall(MockHub.deliver, (job.id)));
        if (!ok) return;
        vm.assertTrue(_isFinal(job), "delivered before it was final");
        _did("deliver");
        if (open) _settled(job);
    }

    function expire(uint256 jobSeed) external {
        if (_jobs.length == 0) return;
        GhostJob storage job = _jobs[jobSeed % _jobs.length];
        bool works = job.state == IResourceEscrow.State.Requested && !job.recorded && block.timestamp > job.deadline;
        _call(address(this), 0, abi.encodeCall(IResourceEscrow.expire, (job.id)), works, "expire");
        if (!works) return;
        job.state = IResourceEscrow.State.Expired;
        ghostHeld[job.token] -= job.price;
        ghostOwed[job.token][job.consumer] += job.price;
        ghostOwed[address(0)][job.consumer] += hub.fee();
        ghostLocked[job.provider] -= job.atRisk;
        ghostFree[job.provider] += job.atRisk;
    }

    function withdraw(uint256 partySeed, uint256 tokenSeed) external {
        address party = _pick(parties, partySeed);
        tokenSeed %= tokens.length + 1;
        address token = tokenSeed == tokens.length ? address(0) : tokens[tokenSeed];
        uint256 amount = ghostOwed[token][party];
        bool works = amount > 0 && !_isRefusing(token);
        uint256 before = _balance(token, party);
        _call(party, 0, abi.encodeCall(IResourceEscrow.withdraw, (token, party)), works, "withdraw");
        if (!works) return;
        ghostOwed[token][party] = 0;
        vm.assertEq(_balance(token, party) - before, _arrives(token, amount), "paid another amount");
    }

    // The registry

    function moveStake(uint256 providerSeed, uint256 choice, uint256 amount) external {
        address provider = _pick(providers, providerSeed);
        choice %= 4;
        if (choice == 0) _increaseStake(provider, amount);
        else if (choice == 1) _requestWithdrawal(provider, amount);
        else if (choice == 2) _cancelWithdrawal(provider);
        else _withdrawStake(provider);
    }

    function _increaseStake(address provider, uint256 amount) private {
        amount = bound(amount, 1, 1e24);
        stakeToken.mint(provider, amount);
        vm.startPrank(provider);
        stakeToken.approve(address(registry), amount);
        registry.increaseStake(amount);
        vm.stopPrank();
        ghostFree[provider] += _arrives(address(stakeToken), amount);
        _did("increaseStake");
    }

    function _requestWithdrawal(address provider, uint256 amount) private {
        if (ghostFree[provider] == 0) return;
        amount = bound(amount, 1, ghostFree[provider]);
        vm.prank(provider);
        registry.requestWithdrawal(amount);
        ghostFree[provider] -= amount;
        ghostLeaving[provider] += amount;
        ghostLeavingAt[provider] = block.timestamp + registry.withdrawalDelay();
        _did("requestWithdrawal");
    }

    function _cancelWithdrawal(address provider) private {
        if (ghostLeaving[provider] == 0) return;
        vm.prank(provider);
        registry.cancelWithdrawal();
        ghostFree[provider] += ghostLeaving[provider];
        ghostLeaving[provider] = 0;
        _did("cancelWithdrawal");
    }

    function _withdrawStake(address provider) private {
        bool works = ghostLeaving[provider] > 0 && block.timestamp >= ghostLeavingAt[provider];
        vm.prank(provider);
        (bool ok,) = address(registry).call(abi.encodeWithSignature("withdraw(address)", provider));
        vm.assertTrue(ok == works, "withdrawStake");
        if (!works) return;
        ghostLeaving[provider] = 0;
        _did("withdrawStake");
    }

    function claim(uint256 partySeed) external {
        address party = _pick(parties, partySeed);
        bool works = ghostClaimable[party] > 0;
        vm.prank(party);
        (bool ok,) = address(registry).call(abi.encodeWithSignature("claim(address)", party));
        vm.assertTrue(ok == works, "claim");
        if (!works) return;
        ghostClaimable[party] = 0;
        _did("claim");
    }

    // The world

    function warp(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 1 days));
    }

    /// @dev Gifts, a token that starts or stops to refuse, or transfers of the re-entering token that from now on try to take
    /// what is owed or to end a job.
    function disturb(uint256 seed, uint256 choice, uint256 amount) external {
        choice %= 6;
        if (choice == 0) _donate(seed, bound(amount, 1, 1e18));
        else if (choice < 3) FalseToken(tokens[3]).setRefusing(choice == 1);
        else _setCallback(seed, choice);
    }

    function _donate(uint256 tokenSeed, uint256 amount) private {
        address token = _pick(tokens, tokenSeed);
        MockToken(token).mint(address(escrow), amount);
        ghostDonated[token] += amount;
        stakeToken.mint(address(registry), amount);
        ghostStakeDonated += amount;
    }

    function _setCallback(uint256 jobSeed, uint256 choice) private {
        bytes32 id = _jobs.length == 0 ? bytes32(0) : _jobs[jobSeed % _jobs.length].id;
        bytes memory payload;
        if (choice == 3) payload = abi.encodeCall(IResourceEscrow.withdraw, (tokens[4], tokens[4]));
        else if (choice == 4) payload = abi.encodeCall(IResourceEscrow.settle, (id));
        else payload = abi.encodeCall(IResourceEscrow.expire, (id));
        ReentrantToken(tokens[4]).setCallback(address(escrow), payload);
    }

    // For the invariants

    function jobs() external view returns (GhostJob[] memory) {
        return _jobs;
    }

    function allTokens() external view returns (address[] memory) {
        return tokens;
    }

    function allParties() external view returns (address[] memory) {
        return parties;
    }

    function allProviders() external view returns (address[] memory) {
        return providers;
    }

    /// @dev What each party is owed in `token`, in the order of `allParties`.
    function ghostOwedIn(address token) external view returns (uint256[] memory amounts) {
        amounts = new uint256[](parties.length);
        for (uint256 i = 0; i < amounts.length; ++i) {
            amounts[i] = ghostOwed[token][parties[i]];
        }
    }

    function _settled(GhostJob storage job) private {
        ghostHeld[job.token] -= job.price;
        uint256 slashed;
        if (job.verdict == 0) {
            uint256 fee = job.price * escrow.feeBps() / BPS;
            ghostOwed[job.token][treasury] += fee;
            ghostOwed[job.token][job.provider] += job.price - fee;
            job.state = IResourceEscrow.State.Completed;
        } else {
            ghostOwed[job.token][job.consumer] += job.price;
            job.state = job.verdict == 3 ? IResourceEscrow.State.Inconclusive : IResourceEscrow.State.Failed;
            if (job.verdict == 1) slashed = job.atRisk;
            if (job.verdict == 2) slashed = job.atRisk * escrow.missedSlashBps() / BPS;
        }
        ghostLocked[job.provider] -= job.atRisk;
        ghostFree[job.provider] += job.atRisk - slashed;
        uint256 compensation = slashed * registry.compensationBps() / BPS;
        ghostClaimable[job.consumer] += compensation;
        ghostClaimable[burner] += slashed - compensation;
        if (slashed > 0) _did("slash");
    }

    function _createCall(GhostJob memory job, uint256 key, uint256 amount) private returns (bytes memory) {
        IResourceEscrow.Quote memory quote = IResourceEscrow.Quote({
            provider: job.provider,
            consumer: job.consumer,
            kind: KIND,
            statementHash: keccak256("statement"),
            token: job.token,
            price: job.price,
            stakeAtRisk: job.atRisk,
            validUntil: uint64(block.timestamp),
            deadline: uint64(job.deadline),
            nonce: ++_nonce
        });
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, escrow.quoteDigest(quote));
        return abi.encodeCall(IResourceEscrow.createJob, (quote, abi.encodePacked(r, s, v), bytes("statement"), amount));
    }

    /// @dev Calls the escrow as `sender`, and insists that it works exactly when it must.
    function _call(
        address sender,
        uint256 value,
        bytes memory data,
        bool works,
        string memory action
    )
        private
        returns (bytes memory result)
    {
        bool ok;
        vm.prank(sender);
        (ok, result) = address(escrow).call{value: value}(data);
        vm.assertTrue(ok == works, action);
        if (ok) _did(bytes32(bytes(action)));
    }

    function _isFinal(GhostJob storage job) private view returns (bool) {
        return job.recorded && block.timestamp >= job.recordedAt + hub.challengeWindow();
    }

    function _isRefusing(address token) private view returns (bool) {
        return token == tokens[3] && FalseToken(token).refusing();
    }

    /// @dev What reaches the other side when `amount` of `token` is sent.
    function _arrives(address token, uint256 amount) private view returns (uint256) {
        if (_isRefusing(token)) return 0;
        if (token != tokens[1] && token != address(stakeToken)) return amount;
        return amount - amount * FeeToken(token).feeBps() / BPS;
    }

    function _balance(address token, address account) private view returns (uint256) {
        return token == address(0) ? account.balance : MockToken(token).balanceOf(account);
    }

    function _pick(address[] storage from, uint256 seed) private view returns (address) {
        return from[seed % from.length];
    }

    receive() external payable {}
}
