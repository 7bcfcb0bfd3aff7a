// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @dev The cheatcodes that halmos has and these checks use.
interface SymbolicVm {
    function addr(uint256 privateKey) external pure returns (address);
    function assume(bool condition) external pure;
    function deal(address account, uint256 balance) external;
    function etch(address target, bytes calldata code) external;
    function prank(address sender) external;
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function warp(uint256 timestamp) external;
}

/// @dev What every check starts from. A function `check_…` is run for every value of its arguments, time and sender
/// included; paths that revert show nothing, and an `assert` that can fail is a counterexample.
abstract contract Symbolic {
    SymbolicVm internal constant vm = SymbolicVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant START = 1_800_000_000;

    /// @dev `data` by `sender`: whether it worked.
    function _call(address sender, address to, uint256 value, bytes memory data) internal returns (bool ok) {
        vm.prank(sender);
        (ok,) = to.call{value: value}(data);
    }

    receive() external payable {}
}

/// @dev An ordinary token that anyone may mint.
contract SymbolicToken is ERC20 {
    constructor() ERC20("Token", "TKN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @dev Any hub, as far as an escrow can tell: it says whatever a check makes it say, and gives the fee back once.
contract SymbolicHub {
    uint256 public immutable fee;
    uint64 public immutable challengeWindow;
    uint8 public status;
    uint64 public finalAt;
    uint64 public jobCount;
    uint256 public credit;
    bool public feeSpent;

    constructor(uint256 fee_, uint64 challengeWindow_) {
        (fee, challengeWindow) = (fee_, challengeWindow_);
    }

    function say(uint8 status_, uint64 finalAt_) external {
        (status, finalAt) = (status_, finalAt_);
    }

    function request(address, bytes4, bytes calldata, uint64)
        external
        payable
        returns (bytes32 jobId, uint64 jobIndex)
    {
        require(msg.value == fee);
        return (bytes32(uint256(++jobCount)), jobCount);
    }

    function refundFee(bytes32) external {
        require(!feeSpent);
        feeSpent = true;
        credit = fee;
    }

    function withdraw(address payable to) external {
        uint256 amount = credit;
        credit = 0;
        (bool ok,) = to.call{value: amount}("");
        require(ok);
    }

    function statusOf(uint64) external view returns (uint8) {
        return status;
    }

    function settlementOf(uint64) external view returns (uint8, uint64) {
        return status == 0 ? (0, 0) : (status, finalAt);
    }
}
