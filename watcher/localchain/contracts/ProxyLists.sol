// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

/// What Maker's ProxyRegistry and Instadapp's list answer about an owner, written anew from their interfaces; anybody may write in it.
contract ProxyLists {
    struct UserLink {
        uint64 first;
        uint64 last;
        uint64 count;
    }

    struct UserList {
        uint64 prev;
        uint64 next;
    }

    mapping(address => address) public proxies;
    mapping(address => UserLink) public userLink;
    mapping(address => mapping(uint64 => UserList)) public userList;
    mapping(uint64 => address) public accountAddr;
    uint64 public accounts;

    function setProxy(address owner, address proxy) external {
        proxies[owner] = proxy;
    }

    /// At the end of the owner's list.
    function addAccount(address owner, address account) external {
        uint64 id = ++accounts;
        accountAddr[id] = account;
        UserLink storage link = userLink[owner];
        if (link.count == 0) {
            link.first = id;
        } else {
            userList[owner][link.last].next = id;
            userList[owner][id].prev = link.last;
        }
        link.last = id;
        link.count += 1;
    }
}
