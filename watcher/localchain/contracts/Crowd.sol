// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

interface IMintable {
    function mint(address to, uint256 value) external;
    function approve(address spender, uint256 value) external returns (bool);
}

interface IPool {
    function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode) external;
    function borrow(address asset, uint256 amount, uint256 mode, uint16 referralCode, address onBehalfOf) external;
}

/// Opens Aave positions for many plain addresses in one transaction: each supplies one asset and, with its delegation, owes another.
contract Crowd {
    struct Entry {
        address user;
        uint256 supplied;
        uint256 borrowed;
    }

    function enter(IPool pool, IMintable collateral, address debt, Entry[] calldata entries) external {
        uint256 total;
        for (uint256 i; i < entries.length; ++i) total += entries[i].supplied;
        collateral.mint(address(this), total);
        collateral.approve(address(pool), total);
        for (uint256 i; i < entries.length; ++i) {
            pool.supply(address(collateral), entries[i].supplied, entries[i].user, 0);
            if (entries[i].borrowed != 0) pool.borrow(debt, entries[i].borrowed, 2, 0, entries[i].user);
        }
    }
}
