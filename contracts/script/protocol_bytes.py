#!/usr/bin/env python3
"""Writes protocol/tests/fixtures/protocol-bytes.json: the hash of every protocol message, computed apart from the
Rust and the Solidity code that read it.

Needs Python 3.10 or later with `eth-abi` and `eth-hash[pycryptodome]`. With --check it writes nothing and exits 1 if
the committed file differs. Numbers are decimal strings; bytes are 0x-hex. "kind" fields are left-aligned bytes4.
"""

import json
import pathlib
import sys

from eth_abi import encode
from eth_abi.packed import encode_packed
from eth_hash.auto import keccak

OUT = pathlib.Path(__file__).resolve().parents[2] / "protocol/tests/fixtures/protocol-bytes.json"
R_BN254 = 21888242871839275222246405745257275088548364400416034343698204186575808495617
NAMES = (
    "LEDGER JOB BEACON SEED EVIDENCE COMMIT LEAF NODE ATTEST ACC ROTATE RESPONSE PART KEYPOP BOUND MEMBER"
).split()
TAG = {name: keccak(f"assay/v1/{name}".encode()) for name in NAMES}

U8_MAX, U16_MAX, U32_MAX, U64_MAX, U128_MAX = (2**b - 1 for b in (8, 16, 32, 64, 128))


def word(seed: str) -> bytes:
    """A reproducible 32-byte value."""
    return keccak(f"fixture/{seed}".encode())


def address(seed: str) -> str:
    """A reproducible address, lower-case hex."""
    return "0x" + word(seed)[12:].hex()


def stretch(seed: str, length: int) -> bytes:
    """A reproducible byte string."""
    return b"".join(word(f"{seed}/{i}") for i in range(length // 32 + 1))[:length]


def shown(value):
    """JSON form of a value: bytes as hex, integers as decimal strings."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value


def message(name: str, fields: list[tuple[str, str, object]], inputs: dict | None = None) -> dict:
    """One case: keccak256(abi.encode(TAG, fields)). `inputs` replaces fields that are hashes of something longer."""
    encoded = encode(["bytes32"] + [t for _, t, _ in fields], [TAG[name]] + [v for _, _, v in fields])
    case = {key: shown(value) for key, _, value in fields}
    case.update({key: shown(value) for key, value in (inputs or {}).items()})
    case["hash"] = shown(keccak(encoded))
    return case


def raw(case: dict) -> bytes:
    """The hash of a case as bytes."""
    return bytes.fromhex(case["hash"][2:])


def node(left: bytes, right: bytes) -> bytes:
    """Inner node of a Merkle tree."""
    return keccak(encode(["bytes32"] * 3, [TAG["NODE"], left, right]))


def merkle(leaves: list[bytes]) -> bytes:
    """Root of a positional tree; an odd node is promoted."""
    level = leaves
    while len(level) > 1:
        pairs = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0]


def path(leaves: list[bytes], position: int) -> list[bytes]:
    """Siblings of a leaf, from the leaf up; a promoted node has none."""
    siblings, level = [], leaves
    while len(level) > 1:
        if position ^ 1 < len(level):
            siblings.append(level[position ^ 1])
        pairs = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
        position //= 2
    return siblings


def packed(outcomes: list[tuple[int, int, int, int]]) -> bytes:
    """27 bytes an outcome: job index, verdict, code, value."""
    return b"".join(
        i.to_bytes(8, "big") + v.to_bytes(1, "big") + c.to_bytes(2, "big") + x.to_bytes(16, "big")
        for i, v, c, x in outcomes
    )


def job(chain_id: int, nonce: int, kind: str, statement: bytes, deadline: int) -> dict:
    fields = [
        ("chainId", "uint256", chain_id),
        ("escrow", "address", address(f"escrow/{nonce}")),
        ("nonce", "uint64", nonce),
        ("provider", "address", address(f"provider/{nonce}")),
        ("kind", "bytes4", keccak(kind.encode())[:4]),
        ("statementHash", "bytes32", keccak(statement)),
        ("deadline", "uint64", deadline),
    ]
    return message("JOB", fields, {"kindName": kind, "statement": statement})


def group(ledger: str, chain_id: int, committee: int, epoch: int) -> list:
    """The fields that every message of the group to a hub begins with."""
    return [
        ("ledgerId", "bytes32", word(ledger)),
        ("chainId", "uint256", chain_id),
        ("hub", "address", address(f"hub/{chain_id}")),
        ("committeeId", "uint32", committee),
        ("epoch", "uint64", epoch),
    ]


def evidence(seed: str, statement: bytes, response: bytes, reported: list[bytes]) -> dict:
    fields = [
        ("seed", "bytes32", word(seed)),
        ("statementHash", "bytes32", keccak(statement)),
        ("responseHash", "bytes32", response),
        ("reportedHash", "bytes32", keccak(encode_packed(["bytes32"] * len(reported), reported)) if reported else bytes(32)),
    ]
    return message("EVIDENCE", fields, {"reported": reported})


def commit(seed: str, verdict: int, code: int, value: int) -> dict:
    fields = [
        ("ledgerId", "bytes32", word("ledger/1")),
        ("jobId", "bytes32", word(f"job/{seed}")),
        ("operator", "address", address(f"operator/{seed}")),
        ("verdict", "uint8", verdict),
        ("code", "uint16", code),
        ("value", "uint128", value),
        ("evidence", "bytes32", word(f"evidence/{seed}")),
        ("salt", "bytes32", word(f"salt/{seed}")),
    ]
    return message("COMMIT", fields)


def leaf(seed: str, verdict: int, code: int, value: int) -> dict:
    fields = [
        ("jobId", "bytes32", word(f"job/{seed}")),
        ("verdict", "uint8", verdict),
        ("code", "uint16", code),
        ("value", "uint128", value),
        ("evidence", "bytes32", word(f"evidence/{seed}")),
    ]
    return message("LEAF", fields)


def acc(previous: bytes, root: bytes, outcomes: list[tuple[int, int, int, int]]) -> dict:
    fields = [
        ("previousAcc", "bytes32", previous),
        ("root", "bytes32", root),
        ("packedHash", "bytes32", keccak(packed(outcomes))),
        ("count", "uint32", len(outcomes)),
    ]
    return message("ACC", fields, {"packed": packed(outcomes)})


def part(index: int, count: int, data: bytes) -> dict:
    fields = [("index", "uint32", index), ("count", "uint32", count), ("partHash", "bytes32", keccak(data))]
    return message("PART", fields, {"part": data})


def response(parts: list[bytes]) -> dict:
    leaves = [raw(part(i, len(parts), data)) for i, data in enumerate(parts)]
    return {"parts": shown(parts), "responseHash": shown(merkle(leaves))}


def bound(chain_id: int, seed: str) -> dict:
    fields = [
        ("chainId", "uint256", chain_id),
        ("hub", "address", address(f"hub/{chain_id}")),
        ("jobId", "bytes32", word(f"job/{seed}")),
        ("seed", "bytes32", word(f"seed/{seed}")),
    ]
    case = message("BOUND", fields)
    return case | {"value": shown(int.from_bytes(raw(case), "big") % R_BN254)}


def groth16(seed: str, inputs: list[tuple[int, int]]) -> dict:
    statement = encode(["bytes32", "(uint8,uint256)[]"], [word(f"vk/{seed}"), inputs])
    return {
        "vkId": shown(word(f"vk/{seed}")),
        "modes": [shown(m) for m, _ in inputs],
        "values": [shown(v) for _, v in inputs],
        "statement": shown(statement),
        "statementHash": shown(keccak(statement)),
    }


def member(seed: str) -> dict:
    consensus = stretch(f"consensus/{seed}", 64)
    fields = [
        ("operator", "address", address(f"operator/{seed}")),
        ("consensusKeyHash", "bytes32", keccak(consensus)),
        ("networkKey", "bytes32", word(f"network/{seed}")),
        ("encryptionKey", "bytes32", word(f"encryption/{seed}")),
    ]
    return message("MEMBER", fields, {"consensusKey": consensus})


def registration(seed: str, chain_id: int, endpoint: str) -> dict:
    """EIP-712: what an operator address and a consensus key sign to register."""
    consensus = stretch(f"consensus/{seed}", 64)
    registry, owner, operator = (address(f"{role}/{seed}") for role in ("registry", "owner", "operator"))
    network, encryption = word(f"network/{seed}"), word(f"encryption/{seed}")
    domain_type = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    struct_type = (
        b"Registration(address owner,address operator,bytes consensusKey,bytes32 networkKey,bytes32 encryptionKey,"
        b"string endpoint)"
    )
    domain = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [keccak(domain_type), keccak(b"Assay OperatorRegistry"), keccak(b"1"), chain_id, registry],
        )
    )
    struct = keccak(
        encode(
            ["bytes32", "address", "address", "bytes32", "bytes32", "bytes32", "bytes32"],
            [keccak(struct_type), owner, operator, keccak(consensus), network, encryption, keccak(endpoint.encode())],
        )
    )
    return {
        "name": "Assay OperatorRegistry",
        "version": "1",
        "chainId": shown(chain_id),
        "registry": registry,
        "owner": owner,
        "operator": operator,
        "consensusKey": shown(consensus),
        "networkKey": shown(network),
        "encryptionKey": shown(encryption),
        "endpoint": endpoint,
        "hash": shown(keccak(b"\x19\x01" + domain + struct)),
    }


def trees() -> list[dict]:
    cases = []
    for size in (1, 2, 3, 4, 5, 7, 11):
        leaves = [word(f"tree/{size}/{i}") for i in range(size)]
        cases.append(
            {
                "leaves": shown(leaves),
                "root": shown(merkle(leaves)),
                "paths": [shown(path(leaves, i)) for i in range(size)],
            }
        )
    return cases


def build() -> dict:
    first = acc(bytes(32), word("root/1"), [(1, 0, 0, 1)])
    second = acc(raw(first), word("root/2"), [(2, 1, 7, 0), (3, 2, 0, 0), (U64_MAX, 3, U16_MAX, U128_MAX)])
    empty_groth16 = bytes.fromhex(groth16("1", [])["statement"][2:])
    return {
        "tags": {name: {"preimage": f"assay/v1/{name}", "hash": shown(tag)} for name, tag in TAG.items()},
        "dst": "ASSAY-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_",
        "JOB": [
            job(31337, 1, "groth16-bn254", empty_groth16, 1_900_000_000),
            job(U64_MAX, U64_MAX, "storage-pdp", b"", U64_MAX),
        ],
        "BEACON": [
            message(
                "BEACON",
                [
                    ("ledgerId", "bytes32", word(f"ledger/{i}")),
                    ("committeeId", "uint32", c),
                    ("epoch", "uint64", e),
                    ("h", "uint64", h),
                ],
            )
            for i, c, e, h in ((1, 0, 0, 1), (2, U32_MAX, U64_MAX, U64_MAX - 1))
        ],
        "SEED": [
            message(
                "SEED",
                [
                    ("beaconHash", "bytes32", keccak(stretch(f"beacon/{i}", 128))),
                    ("blockId", "bytes32", word(f"block/{i}")),
                    ("jobId", "bytes32", word(f"job/{i}")),
                ],
                {"beaconSignature": stretch(f"beacon/{i}", 128)},
            )
            for i in (1, 2)
        ],
        "EVIDENCE": [
            evidence("seed/1", b"statement", word("response/1"), [word("reported/1"), word("reported/2")]),
            evidence("seed/2", b"", word("response/2"), []),
            evidence("seed/3", b"unanswered", bytes(32), []),
        ],
        "COMMIT": [commit("1", 0, 0, 1), commit("2", 3, U16_MAX, U128_MAX)],
        "LEAF": [leaf("1", 0, 0, 1), leaf("2", 2, 0, 0), leaf("3", 3, U16_MAX, U128_MAX)],
        "NODE": [
            message("NODE", [("left", "bytes32", word(a)), ("right", "bytes32", word(b))])
            for a, b in (("left", "right"), ("right", "left"))
        ],
        "TREE": trees(),
        "ATTEST": [
            message(
                "ATTEST",
                group(f"ledger/{i}", chain, c, e)
                + [("h", "uint64", h), ("blockId", "bytes32", word(f"block/{i}")), ("acc", "bytes32", raw(a))],
            )
            for i, chain, c, e, h, a in ((1, 31337, 0, 1, 42, first), (2, 2**63 + 1, U32_MAX, U64_MAX, U64_MAX, second))
        ],
        "ACC": [first, second],
        "ROTATE": [
            message(
                "ROTATE",
                group(f"ledger/{i}", chain, c, e)
                + [("keyHash", "bytes32", keccak(stretch(f"key/{i}", 256))), ("lastHeight", "uint64", h)],
                {"newKey": stretch(f"key/{i}", 256)},
            )
            for i, chain, c, e, h in ((1, 31337, 0, 2, 42), (2, 1, U32_MAX, U64_MAX, U64_MAX))
        ],
        "RESPONSE": [
            message(
                "RESPONSE",
                group(f"ledger/{i}", chain, 0, 0)[:3]
                + [
                    ("jobId", "bytes32", word(f"job/{i}")),
                    ("seed", "bytes32", word(f"seed/{i}")),
                    ("responseHash", "bytes32", word(f"response/{i}")),
                ],
            )
            for i, chain in ((1, 31337), (2, 1))
        ],
        "PART": [part(0, 1, stretch("part", 256)), part(2, 3, b"")],
        "RESPONSE_HASH": [
            response([stretch("part", 256)]),
            response([stretch("part", 100), b"", b"\x00"]),
            response([bytes([i]) for i in range(6)]),
        ],
        "KEYPOP": [
            message(
                "KEYPOP",
                group(f"ledger/{i}", chain, c, e) + [("keyHash", "bytes32", keccak(stretch(f"key/{i}", 256)))],
                {"newKey": stretch(f"key/{i}", 256)},
            )
            for i, chain, c, e in ((1, 31337, 0, 1), (2, 1, U32_MAX, U64_MAX))
        ],
        "BOUND": [bound(31337, "1"), bound(1, "2")],
        "GROTH16": [
            groth16("1", []),
            groth16("2", [(0, 33), (1, 0), (2, 0), (0, R_BN254 - 1)]),
        ],
        "MEMBER": [member(seed) for seed in ("1", "2", "3", "4", "5")],
        "COMMITTEE": [
            {"members": str(size), "root": shown(merkle([raw(member(str(i + 1))) for i in range(size)]))}
            for size in (4, 5)
        ],
        "REGISTRATION": [
            registration("1", 31337, "/ip4/127.0.0.1/tcp/7001"),
            registration("2", 1, "/dns4/operator.example/tcp/443"),
        ],
    }


def main() -> int:
    text = json.dumps(build(), indent=1, ensure_ascii=False) + "\n"
    if "--check" in sys.argv[1:]:
        same = OUT.exists() and OUT.read_text() == text
        print(f"{OUT.name}: {'up to date' if same else 'differs'}")
        return 0 if same else 1
    OUT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
