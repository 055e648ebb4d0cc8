// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

interface IPrice {
    function price() external view returns (uint256);
}

interface ILoanToken {
    function approve(address spender, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

interface IBlue {
    struct Params {
        address loan;
        address collateral;
        address oracle;
        address irm;
        uint256 lltv;
    }

    function idToMarketParams(bytes32 id) external view returns (Params memory);
    function market(bytes32 id) external view returns (uint128, uint128, uint128, uint128, uint128, uint128);
    function position(bytes32 id, address owner) external view returns (uint256, uint128, uint128);
    function accrueInterest(Params memory params) external;
    function repay(Params memory params, uint256 assets, uint256 shares, address owner, bytes memory data)
        external
        returns (uint256, uint256);
    function withdrawCollateral(Params memory params, uint256 assets, address owner, address receiver) external;
}

/// A line before Morpho Blue's own, for whoever authorises this contract: a stand-in with the read interface, the integer arithmetic
/// and the refusals of Morpho's pre-liquidation contracts, for a local chain.
contract PreLiquidation {
    struct Line {
        uint256 preLltv;
        uint256 preLCF1;
        uint256 preLCF2;
        uint256 preLIF1;
        uint256 preLIF2;
        address preLiquidationOracle;
    }

    uint256 private constant ONE = 1e18;

    IBlue public immutable MORPHO;
    bytes32 public immutable ID;
    IBlue.Params private params;
    Line private line;

    error LiquidatablePosition();
    error NotPreLiquidatablePosition();
    error PreLiquidationTooLarge(uint256 asked, uint256 most);

    constructor(IBlue morpho, bytes32 id, Line memory line_) {
        MORPHO = morpho;
        ID = id;
        params = morpho.idToMarketParams(id);
        line = line_;
        require(line_.preLltv < params.lltv, "no line before Morpho's");
        ILoanToken(params.loan).approve(address(morpho), type(uint256).max);
    }

    function preLiquidationParams() external view returns (Line memory) {
        return line;
    }

    /// By shares only, which is all that a test asks for.
    function preLiquidate(address owner, uint256, uint256 shares, bytes calldata)
        external
        returns (uint256 seized, uint256 repaid)
    {
        MORPHO.accrueInterest(params);
        uint256 most;
        (seized, most) = offered(owner, shares);
        if (shares > most) revert PreLiquidationTooLarge(shares, most);
        repaid = settled(owner, shares, abi.encode(seized, owner, msg.sender));
    }

    function settled(address owner, uint256 shares, bytes memory data) private returns (uint256 repaid) {
        (repaid,) = MORPHO.repay(params, 0, shares, owner, data);
    }

    /// Collateral for so many shares, and how many there may be.
    function offered(address owner, uint256 shares) private view returns (uint256 seized, uint256 most) {
        (,, uint256 assets, uint256 all,,) = MORPHO.market(ID);
        (, uint256 owed, uint256 held) = MORPHO.position(ID, owner);
        uint256 answer = IPrice(line.preLiquidationOracle).price();
        uint256 along = way(up(owed * (assets + 1), all + 1e6), held * answer / 1e36);
        most = owed * (line.preLCF1 + along * (line.preLCF2 - line.preLCF1) / ONE) / ONE;
        seized = shares * (assets + 1) / (all + 1e6);
        seized = seized * (line.preLIF1 + along * (line.preLIF2 - line.preLIF1) / ONE) / ONE * 1e36 / answer;
    }

    /// How far a debt is from this line (0) to Morpho's (1e18).
    function way(uint256 debt, uint256 quoted) private view returns (uint256) {
        uint256 lltv = params.lltv;
        if (debt > quoted * lltv / ONE) revert LiquidatablePosition();
        if (debt <= quoted * line.preLltv / ONE) revert NotPreLiquidatablePosition();
        return (up(debt * ONE, quoted) - line.preLltv) * ONE / (lltv - line.preLltv);
    }

    function onMorphoRepay(uint256 repaid, bytes calldata data) external {
        require(msg.sender == address(MORPHO), "not Morpho");
        (uint256 seized, address owner, address liquidator) = abi.decode(data, (uint256, address, address));
        MORPHO.withdrawCollateral(params, seized, owner, liquidator);
        require(ILoanToken(params.loan).transferFrom(liquidator, address(this), repaid), "not paid");
    }

    function up(uint256 a, uint256 b) private pure returns (uint256) {
        return (a + b - 1) / b;
    }
}
