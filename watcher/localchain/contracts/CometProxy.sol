// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

/// The part of an EIP-1967 proxy that a reader sees: where the implementation stands, and the log when it changes. Anybody may upgrade.
contract CometProxy {
    bytes32 private constant SLOT = bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);

    event Upgraded(address indexed implementation);

    constructor(address first) {
        place(first);
    }

    function upgradeTo(address next) external {
        place(next);
    }

    function place(address next) private {
        bytes32 slot = SLOT;
        assembly {
            sstore(slot, next)
        }
        emit Upgraded(next);
    }

    fallback() external {
        bytes32 slot = SLOT;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), sload(slot), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(ok) {
                revert(0, returndatasize())
            }
            return(0, returndatasize())
        }
    }
}
