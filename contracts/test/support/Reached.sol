// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev The cheatcodes that a report needs.
interface ReportVm {
    function envOr(string calldata name, string calldata other) external view returns (string memory);
    function toString(uint256 value) external pure returns (string memory);
    function writeLine(string calldata path, string calldata line) external;
}

/// @dev Counts what a handler's calls achieved: that a campaign made a call says little, since most calls are refused.
abstract contract Reached {
    ReportVm private constant _VM = ReportVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev How often each action did its work.
    mapping(bytes32 action => uint256) public done;
    bytes32[] private _actions;

    /// @dev "action count action count …" of this run.
    function reached() public view returns (string memory text) {
        for (uint256 i = 0; i < _actions.length; ++i) {
            text = string.concat(text, " ", _text(_actions[i]), " ", _VM.toString(done[_actions[i]]));
        }
    }

    function _did(bytes32 action) internal {
        if (done[action]++ == 0) _actions.push(action);
    }

    function _text(bytes32 word) private pure returns (string memory) {
        bytes memory text = bytes.concat(word);
        uint256 length;
        while (length < 32 && text[length] != 0) ++length;
        assembly ("memory-safe") {
            mstore(text, length)
        }
        return string(text);
    }
}

/// @dev What the tests of invariants do with the counts of their handler.
abstract contract Reporting {
    ReportVm private constant _VM = ReportVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev Adds a line with a run's counts to the file that REACHED names, if it names one: `tools/invariants.js` adds them
    /// up.
    function _report(string memory suite, Reached handler) internal {
        string memory file = _VM.envOr("REACHED", string(""));
        if (bytes(file).length > 0) _VM.writeLine(file, string.concat(suite, handler.reached()));
    }
}
