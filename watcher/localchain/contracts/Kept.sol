// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

/// A contract that others act through, as far as it can be asked whose it is: `owner` of a DSProxy, `getOwners` of a Safe.
contract Kept {
    address public owner;
    address[] private owners;
    uint256 public getThreshold;

    constructor(address[] memory owners_, uint256 threshold) {
        owner = owners_[0];
        owners = owners_;
        getThreshold = threshold;
    }

    function setOwner(address owner_) external {
        owner = owner_;
    }

    function getOwners() external view returns (address[] memory) {
        return owners;
    }
}
