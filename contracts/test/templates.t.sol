// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {AttestationConsumer} from "../src/templates/AttestationConsumer.sol";
import {ProofGate} from "../src/templates/ProofGate.sol";
import {MockHub} from "./mocks/MockHub.sol";
import {CheatTest} from "./support/Cheats.sol";

contract TemplatesTest is CheatTest {
    uint64 private constant START = 1_800_000_000;
    uint64 private constant DEADLINE = START + 1 days;
    uint64 private constant WINDOW = 1 hours;
    uint256 private constant FEE = 5;

    MockHub private _hub;
    ProofGate private _gate;
    address private _account = address(0xacc);

    function setUp() public {
        vm.warp(START);
        _hub = new MockHub(FEE, WINDOW);
        _gate = new ProofGate(IAttestationHub(address(_hub)), keccak256("statement"));
        vm.deal(_account, 1 ether);
    }

    function test_proofGate_validVerdict_admitsWhoAsked() public {
        bytes32 jobId = _ask();
        _deliver(jobId, 0);
        vm.assertTrue(_gate.isAdmitted(_account), "not admitted");
    }

    function test_proofGate_otherVerdict_admitsNobody() public {
        for (uint8 verdict = 1; verdict < 4; ++verdict) {
            vm.warp(START);
            _deliver(_ask(), verdict);
            vm.assertFalse(_gate.isAdmitted(_account), "admitted");
        }
    }

    function test_onAttested_notFromHub_reverts() public {
        bytes32 jobId = _ask();
        vm.prank(_account);
        vm.expectRevert(abi.encodeWithSelector(AttestationConsumer.NotHub.selector, _account));
        _gate.onAttested(jobId, 0, 1, 0);
    }

    function test_ask_anotherStatement_reverts() public {
        vm.prank(_account);
        vm.expectRevert(ProofGate.WrongStatement.selector);
        _gate.ask{value: FEE}(address(0xb0), "another statement", DEADLINE);
    }

    function test_ask_wrongFee_reverts() public {
        vm.prank(_account);
        vm.expectRevert(abi.encodeWithSelector(AttestationConsumer.WrongFee.selector, FEE + 1, FEE));
        _gate.ask{value: FEE + 1}(address(0xb0), "statement", DEADLINE);
    }

    function test_takeFeeBack_noVerdictAfterDeadline_paysWhoAsked() public {
        bytes32 jobId = _ask();
        vm.warp(DEADLINE + 1);
        vm.prank(_account);
        _gate.takeFeeBack(jobId, payable(address(0x70)));
        vm.assertEq(address(0x70).balance, FEE);
    }

    function test_takeFeeBack_byAnother_reverts() public {
        bytes32 jobId = _ask();
        vm.warp(DEADLINE + 1);
        vm.prank(address(0x57));
        vm.expectRevert(abi.encodeWithSelector(AttestationConsumer.NotPayer.selector, jobId, address(0x57)));
        _gate.takeFeeBack(jobId, payable(address(0x57)));
    }

    function _ask() private returns (bytes32) {
        vm.prank(_account);
        return _gate.ask{value: FEE}(address(0xb0), "statement", DEADLINE);
    }

    function _deliver(bytes32 jobId, uint8 verdict) private {
        _hub.record(jobId, verdict);
        vm.warp(block.timestamp + WINDOW);
        _hub.deliver(jobId);
    }
}
