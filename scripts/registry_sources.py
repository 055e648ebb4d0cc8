"""What the published registries say, read as text: no package is installed and none of its code is run.

Aave address book, viem's chain definitions and Morpho's SDK are all under the MIT licence; addresses and block numbers are facts.
A form of file that is not understood ends the run: a row is never left out in silence.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

AAVE = "@aave-dao/aave-address-book"
MORPHO = "@morpho-org/morpho-ts"  # blue-sdk passes its registry on from here
MORPHO_SDK = "@morpho-org/blue-sdk"
MORPHO_TEST = "@morpho-org/morpho-test"  # the only published package of theirs that holds market parameters
VIEM = "viem"
READ = re.compile(
    r"package\.json|chains/definitions/\w+\.ts|[\w-]+/chainConfig\.ts|dist/(AaveV[23]|Chainlink)\w+\.mjs"
    r"|lib/esm/(chain|addresses|fixtures/markets)\.js"
    r"|dist/nodejs/constants\.js|_esm/environments/definitions/\w+/contracts\.js"
    r"|deployments/\w+/(\.chainId|(Unitroller|PoolRegistry|Comptroller_[\w ]+)\.json)"
)


@dataclass(frozen=True)
class Package:
    """The files of an npm package that are read here. `label` is what chains.toml names as the source."""

    name: str
    version: str
    files: dict[str, str] = field(repr=False)

    @property
    def label(self) -> str:
        return f"npm:{self.name}@{self.version}"

    def text(self, path: str) -> str:
        return self.files[path] if path in self.files else sys.exit(f"{self.label} has no {path} any more")


@dataclass(frozen=True)
class ViemChain:
    id: int
    block_time: Decimal | None  # seconds
    rpc: tuple[str, ...]
    multicall3: str | None


@dataclass(frozen=True)
class Pool:
    chain: int
    address: str
    assets: dict[str, str] = field(default_factory=dict)  # the book's key to the token's address


@dataclass(frozen=True)
class Singleton:
    """`factory` makes its pre-liquidation contracts, from block `made_from` on."""

    address: str
    start: int
    factory: str | None = None
    made_from: int | None = None


@dataclass(frozen=True)
class MorphoMarket:
    chain: int
    id: str
    label: str


def fetch(name: str, folder: Path) -> Package:
    """The newest version of an npm package. Its archive goes to `folder`; nothing of it is unpacked or run."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is needed to fetch the registries: install Node.js, or put npm on PATH")
    made = subprocess.run(
        [npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), name],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    files: dict[str, str] = {}
    with tarfile.open(folder / made.stdout.split()[-1]) as archive:
        for member in archive:
            path = member.name.removeprefix("package/")
            content = archive.extractfile(member) if READ.fullmatch(path) else None
            if content is not None:
                files[path] = content.read().decode()
    return Package(name, json.loads(files["package.json"])["version"], files)


def found(pattern: str, text: str, where: str) -> re.Match[str]:
    """The first match, or the end of the run."""
    match = re.search(pattern, text, re.DOTALL)
    if match is None:
        sys.exit(f"{where}: the form of this file has changed; nothing matches {pattern}")
    return match


def viem_chain(viem: Package, name: str) -> ViemChain:
    """One chain definition. A block time comes from the definition or from the chain family it builds on."""
    text = viem.text(f"chains/definitions/{name}.ts")
    own = re.search(r"blockTime: ([\d_]+)", text)
    family = re.search(r"from '\.\./\.\./([\w-]+/chainConfig)\.js'", text)
    inherited = re.search(r"blockTime: ([\d_]+)", viem.text(f"{family[1]}.ts")) if family and not own else None
    milliseconds = own or inherited
    urls = found(r"http:\s*\[(.*?)\]", text, name)[1]
    multicall = re.search(r"multicall3: \{\s*address: '(0x[0-9a-fA-F]{40})'", text)
    return ViemChain(
        id=int(found(r"\bid: ([\d_]+)", text, name)[1].replace("_", "")),
        block_time=Decimal(milliseconds[1].replace("_", "")) / 1000 if milliseconds else None,
        rpc=tuple(re.findall(r"'(https://[^']+)'", urls)),
        multicall3=to_checksum_address(multicall[1]) if multicall else None,
    )


def aave_pools(book: Package, generation: str, left_out: Container[str]) -> dict[str, Pool]:
    """The Aave markets of one generation ("AaveV3") in the address book by their names there, but for those left out."""
    pools = {}
    for path, text in sorted(book.files.items()):
        name = path.removeprefix(f"dist/{generation}").removesuffix(".mjs")
        if not path.startswith(f"dist/{generation}") or name in left_out:
            continue
        listing = found(r"var ASSETS = \{(.*?)\n\};", text, path)[1]
        entries = re.findall(r'\n  "?(\w+)"?: \{.*?UNDERLYING: "(0x[0-9a-fA-F]{40})"', listing, re.DOTALL)
        pools[name] = Pool(
            chain=int(Decimal(found(r"var CHAIN_ID = (\d+(?:e\d+)?);", text, path)[1])),  # 5000 is written 5e3
            address=to_checksum_address(found(r'var POOL = "(0x[0-9a-fA-F]{40})";', text, path)[1]),
            assets={key: to_checksum_address(address) for key, address in entries},
        )
    return pools


def morpho_chains(morpho: Package) -> dict[str, int]:
    """Chain ids by the names that the registry uses as keys."""
    pairs = re.findall(r'ChainId\[ChainId\["(\w+)"\] = (\d+)\]', morpho.text("lib/esm/chain.js"))
    return {name: int(number) for name, number in pairs}


def blocks(text: str, chains: dict[str, int]) -> Iterator[tuple[int, str]]:
    """The entries `[ChainId.Name]: { … }` of a registry object, four spaces in."""
    for name, body in re.findall(r"\n    \[ChainId\.(\w+)\]: \{(.*?)\n    \}", text, re.DOTALL):
        yield chains[name], body


def morpho_addresses(morpho: Package) -> dict[int, dict[str, str]]:
    """Per chain the top-level addresses of the registry by key."""
    text = found(r"const _addressesRegistry = \{(.*?)\n\};", morpho.text("lib/esm/addresses.js"), "addresses.js")[1]
    return {
        chain: dict(re.findall(r'\n        (\w+): "(0x[0-9a-fA-F]{40})"', body))
        for chain, body in blocks(text, morpho_chains(morpho))
    }


def morpho_singletons(morpho: Package) -> dict[int, Singleton]:
    """Per chain the Morpho Blue contract and the block it was made in, and the same of the factory of pre-liquidation contracts."""
    text = found(r"const _deployments = \{(.*?)\n\};", morpho.text("lib/esm/addresses.js"), "addresses.js")[1]
    starts = {
        chain: int(found(r"\n        morpho: (\d+)n", body, f"deployments of chain {chain}")[1])
        for chain, body in blocks(text, morpho_chains(morpho))
    }
    addresses = morpho_addresses(morpho)
    if starts.keys() != addresses.keys():
        sys.exit(
            f"the Morpho registry has an address without a block or the reverse: {starts.keys() ^ addresses.keys()}"
        )
    factories = {
        chain: re.search(r"\n        preLiquidationFactory: (\d+)n", body)
        for chain, body in blocks(text, morpho_chains(morpho))
    }
    return {
        chain: Singleton(to_checksum_address(entry["morpho"]), starts[chain], *_factory(entry, factories[chain]))
        for chain, entry in addresses.items()
    }


def _factory(entry: dict[str, str], block: re.Match[str] | None) -> tuple[str | None, int | None]:
    """Without its block a factory is left out: nobody would know where its logs begin."""
    address = entry.get("preLiquidationFactory")
    return (None, None) if address is None or block is None else (to_checksum_address(address), int(block[1]))


def morpho_markets(test: Package, morpho: Package) -> list[MorphoMarket]:
    """The markets whose parameters the test package publishes; the id is computed as MarketParamsLib.id does.

    Idle markets (no collateral) are left out: nobody can owe anything there.
    """
    text = test.text("lib/esm/fixtures/markets.js")
    chains, addresses = morpho_chains(morpho), morpho_addresses(morpho)
    names: dict[str, str] = {}
    for keys, chain in re.findall(r"const \{([^}]*)\} = addressesRegistry\[ChainId\.(\w+)\]", text):
        for entry in filter(None, (part.strip() for part in keys.split(","))):
            key, _, alias = entry.partition(": ")
            names[alias or key] = addresses[chains[chain]][key]

    def address(word: str) -> str:
        return word.strip('"') if word.startswith('"') else names[word]

    markets = []
    for chain, body in blocks(text, chains):
        pattern = r"\n        (\w+): new MarketParams\(\{(.*?)\}\)"
        for label, inside in re.findall(pattern, body, re.DOTALL):
            fields = dict(re.findall(r"\n\s+(\w+): (.+),(?=\n)", inside))
            tokens = [
                to_checksum_address(address(fields[k])) for k in ("loanToken", "collateralToken", "oracle", "irm")
            ]
            words = encode(["address"] * 4 + ["uint256"], [*tokens, lltv(fields["lltv"])])
            markets.append(MorphoMarket(chain, "0x" + keccak(words).hex(), label))
    return markets


def lltv(text: str) -> int:
    """A loan-to-value as a wad, from `parseUnits("94.5", 16)` or a bigint."""
    parsed = re.fullmatch(r'parseUnits\("([\d.]+)", (\d+)\)', text)
    if parsed:
        return int(Decimal(parsed[1]).scaleb(int(parsed[2])))
    return int(found(r"^(\d+)n$", text, "lltv")[1])
