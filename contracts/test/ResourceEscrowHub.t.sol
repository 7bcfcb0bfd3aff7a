// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ResourceEscrow} from "../src/ResourceEscrow.sol";
import {ResourceRegistry} from "../src/ResourceRegistry.sol";
import {DevToken} from "../src/dev/DevToken.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {IResourceEscrow} from "../src/interfaces/IResourceEscrow.sol";
import {IResourceRegistry} from "../src/interfaces/IResourceRegistry.sol";
import {HubBase} from "./support/HubBase.sol";

/// @dev Escrow and registry with the real hub: a threshold signature moves the money.
contract ResourceEscrowHubTest is HubBase {
    uint256 private constant _PROVIDER_KEY = 0x9a0f;
    uint256 private constant _PRICE = 100 ether;
    uint256 private constant _AT_RISK = 40 ether;
    uint256 private constant _PROTOCOL_FEE = 1 ether;
    address private constant _CONSUMER = address(0xc0);
    address private constant _TREASURY = address(0x77);
    address private constant _BURNER = address(0xdead);

    address private _provider = vm.addr(_PROVIDER_KEY);
    DevToken private _money;
    ResourceRegistry private _resources;
    ResourceEscrow private _escrow;
    uint256 private _nonce;

    function setUp() public {
        _launch();
        _money = new DevToken("Money", "MNY");
        _resources = new ResourceRegistry(OWNER, IERC20(address(token)), 7 days, 5000, _BURNER);
        _escrow = new ResourceEscrow(hub, _resources, _TREASURY, 100, 2500, 2 hours);
        bytes32 role = _resources.ESCROW_ROLE();
        vm.prank(OWNER);
        _resources.grantRole(role, address(_escrow));

        token.mint(_provider, STAKE);
        vm.startPrank(_provider);
        token.approve(address(_resources), STAKE);
        _resources.register("did:web:provider.example", STAKE);
        _resources.setEscrowLimit(address(_escrow), STAKE);
        vm.stopPrank();

        _money.mint(_CONSUMER, 10 * _PRICE);
        vm.deal(_CONSUMER, 1 ether);
        vm.prank(_CONSUMER);
        _money.approve(address(_escrow), type(uint256).max);
    }

    function test_job_attestedValid_paysProvider() public {
        (bytes32 jobId, uint64 jobIndex) = _create();
        _submit(_packed(jobIndex, 0));
        vm.assertEq(uint256(_escrow.stateOf(jobId)), uint256(IResourceEscrow.State.Verifying));
        vm.warp(block.timestamp + WINDOW);
        _escrow.settle(jobId);
        vm.assertEq(_escrow.owed(address(_money), _provider), _PRICE - _PROTOCOL_FEE);
        vm.assertEq(_escrow.owed(address(_money), _TREASURY), _PROTOCOL_FEE);
        vm.assertEq(hub.creditOf(SUBMITTER), FEE);
    }

    function test_job_attestedInvalid_refundsAndSlashes() public {
        (bytes32 jobId, uint64 jobIndex) = _create();
        _submit(_packed(jobIndex, 1));
        vm.warp(block.timestamp + WINDOW);
        _escrow.settle(jobId);
        vm.assertEq(_escrow.owed(address(_money), _CONSUMER), _PRICE);
        vm.assertEq(_resources.claimable(_CONSUMER), _AT_RISK / 2);
        vm.assertEq(_resources.providerOf(_provider).free, STAKE - _AT_RISK);
    }

    function test_job_attestedMissed_refundsAndSlashesAPart() public {
        (bytes32 jobId, uint64 jobIndex) = _create();
        _submit(_packed(jobIndex, 2));
        vm.warp(block.timestamp + WINDOW);
        _escrow.settle(jobId);
        vm.assertEq(_escrow.owed(address(_money), _CONSUMER), _PRICE);
        vm.assertEq(_resources.providerOf(_provider).free, STAKE - _AT_RISK / 4);
    }

    function test_job_withinChallengeWindow_reverts() public {
        (bytes32 jobId, uint64 jobIndex) = _create();
        _submit(_packed(jobIndex, 0));
        (, uint64 finalAt) = hub.settlementOf(jobIndex);
        vm.warp(finalAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.NotFinal.selector, jobId, finalAt));
        _escrow.settle(jobId);
    }

    function test_job_claimedAndDelivered_settles() public {
        (bytes32 jobId,) = _create();
        _claimAndDeliver(jobId, 0);
        vm.assertEq(uint256(_escrow.stateOf(jobId)), uint256(IResourceEscrow.State.Completed));
    }

    /// @dev The dearest settlement, every slot written for the first time, fits the gas that the hub gives.
    function test_job_claimedAndDeliveredInvalid_settles() public {
        (bytes32 jobId,) = _create();
        _claimAndDeliver(jobId, 1);
        vm.assertEq(uint256(_escrow.stateOf(jobId)), uint256(IResourceEscrow.State.Failed));
        vm.assertEq(_resources.claimable(_CONSUMER), _AT_RISK / 2);
    }

    function test_job_neverAttested_expiresWithItsHubFee() public {
        (bytes32 jobId,) = _create();
        vm.warp(_escrow.jobOf(jobId).deadline + 1);
        _escrow.expire(jobId);
        vm.assertEq(_escrow.owed(address(_money), _CONSUMER), _PRICE);
        vm.assertEq(_escrow.owed(address(0), _CONSUMER), FEE);
        vm.assertEq(address(_escrow).balance, FEE);
        vm.assertEq(hub.creditOf(address(_escrow)), 0);
        vm.assertEq(_resources.providerOf(_provider).free, STAKE);
    }

    function test_job_attestedAfterExpiry_changesNothing() public {
        (bytes32 jobId, uint64 jobIndex) = _create();
        vm.warp(_escrow.jobOf(jobId).deadline + 1);
        _escrow.expire(jobId);
        _submit(_packed(jobIndex, 1));
        vm.warp(_escrow.jobOf(jobId).deadline + 1 + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.JobEnded.selector, jobId, IResourceEscrow.State.Expired));
        _escrow.settle(jobId);
        vm.assertEq(_resources.providerOf(_provider).free, STAKE);
        vm.assertEq(hub.creditOf(SUBMITTER), 0);
    }

    /// @dev Whole transactions, between parties that had a job before.
    /// forge-config: default.isolate = true
    function test_gas_jobWithHub() public {
        (bytes32 jobId, uint64 jobIndex) = _create();
        _submit(_packed(jobIndex, 0));
        vm.warp(1_800_000_000 + WINDOW);
        _escrow.settle(jobId);

        jobId = _createJob();
        vm.snapshotGasLastCall("ResourceEscrowHub", "createJob");
        jobIndex = _escrow.jobOf(jobId).jobIndex;
        _submit(_packed(jobIndex, 0));
        vm.warp(1_800_000_000 + 2 * WINDOW);
        _escrow.settle(jobId);
        vm.snapshotGasLastCall("ResourceEscrowHub", "settle_valid");

        (jobId, jobIndex) = _create();
        _submit(_packed(jobIndex, 1));
        vm.warp(1_800_000_000 + 3 * WINDOW);
        _escrow.settle(jobId);
        vm.snapshotGasLastCall("ResourceEscrowHub", "settle_invalid");

        (jobId,) = _create();
        vm.warp(1_800_000_000 + 2 days);
        _escrow.expire(jobId);
        vm.snapshotGasLastCall("ResourceEscrowHub", "expire");
    }

    function _create() private returns (bytes32 jobId, uint64 jobIndex) {
        jobId = _createJob();
        jobIndex = _escrow.jobOf(jobId).jobIndex;
    }

    function _claimAndDeliver(bytes32 jobId, uint8 verdict) private {
        IAttestationHub.Outcome memory outcome =
            IAttestationHub.Outcome(jobId, verdict, 0, verdict == 0 ? 1 : 0, keccak256("evidence"));
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = _leaf(outcome);
        bytes memory packed = _packed(_escrow.jobOf(jobId).jobIndex, verdict);
        bytes32 previousAcc = tip;
        _submit(_one(_root(leaves), packed));
        hub.claim(outcome, _proof(previousAcc, leaves, 0, packed));
        vm.warp(block.timestamp + WINDOW);
        hub.deliver(jobId);
    }

    function _createJob() private returns (bytes32) {
        IResourceEscrow.Quote memory quote = IResourceEscrow.Quote({
            provider: _provider,
            consumer: _CONSUMER,
            kind: KIND,
            statementHash: keccak256("statement"),
            token: address(_money),
            price: _PRICE,
            stakeAtRisk: _AT_RISK,
            validUntil: uint64(block.timestamp),
            deadline: uint64(block.timestamp + 1 days),
            nonce: ++_nonce
        });
        bytes memory signature = _sign(_PROVIDER_KEY, _escrow.quoteDigest(quote));
        vm.prank(_CONSUMER);
        return _escrow.createJob{value: FEE}(quote, signature, "statement", _PRICE);
    }
}
