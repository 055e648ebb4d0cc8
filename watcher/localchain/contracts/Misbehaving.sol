// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

/// Something whose answers anybody may switch off, in the ways that broken or hostile contracts fail.
abstract contract Misbehaving {
    enum Mode {
        Honest,
        Reverts,
        EmptyAnswer,
        BurnsGas,
        ShortAnswer
    }

    Mode public mode;

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    modifier misbehaving() {
        if (mode == Mode.Reverts) revert("out of order");
        if (mode == Mode.EmptyAnswer) {
            assembly {
                return(0, 0)
            }
        }
        if (mode == Mode.BurnsGas) {
            assembly {
                invalid()
            }
        }
        if (mode == Mode.ShortAnswer) {
            assembly {
                return(0, 31)
            }
        }
        _;
    }
}
