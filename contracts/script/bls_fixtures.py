#!/usr/bin/env python3
"""Writes test/fixtures/bls/*.json from the published vectors: `bls_fixtures.py VECTORS`.

VECTORS is a folder with hash_to_curve/, eip2537/ and drand/ as their projects publish them (see the README beside the
output). Points become uncompressed EIP-2537 encodings, byte strings 0x-hex, lists parallel arrays. Needs `py_ecc`.
"""

import hashlib
import json
import pathlib
import sys

from py_ecc.bls.point_compression import decompress_G1, decompress_G2
from py_ecc.optimized_bls12_381 import normalize

OUT = pathlib.Path(__file__).resolve().parents[1] / "test/fixtures/bls"


def field(value: int) -> str:
    """A field element as EIP-2537 has it."""
    return f"{value:0128x}"


def g1(compressed: bytes) -> str:
    x, y = normalize(decompress_G1(int.from_bytes(compressed, "big")))
    return "0x" + field(x.n) + field(y.n)


def g2(compressed: bytes) -> str:
    halves = int.from_bytes(compressed[:48], "big"), int.from_bytes(compressed[48:], "big")
    x, y = normalize(decompress_G2(halves))
    return "0x" + "".join(field(int(c)) for c in (*x.coeffs, *y.coeffs))


def write(name: str, value: dict) -> None:
    (OUT / name).write_text(json.dumps(value, indent=1) + "\n")


def main(source: pathlib.Path) -> None:
    suite = json.loads((source / "hash_to_curve/BLS12381G1_XMD-SHA-256_SSWU_RO_.json").read_text())
    write(
        "rfc9380_g1_ro.json",
        {
            "dst": "0x" + suite["dst"].encode().hex(),
            "messages": ["0x" + v["msg"].encode().hex() for v in suite["vectors"]],
            "points": ["0x" + field(int(v["P"]["x"], 16)) + field(int(v["P"]["y"], 16)) for v in suite["vectors"]],
        },
    )

    chain = json.loads((source / "drand/quicknet_chain_info.json").read_text())
    beacons = json.loads((source / "drand/quicknet_beacons.json").read_text())
    write(
        "drand_quicknet.json",
        {
            "dst": "0x" + chain["dst"].encode().hex(),
            "key": g2(bytes.fromhex(chain["public_key"])),
            "rounds": [str(b["round"]) for b in beacons],
            "messages": ["0x" + hashlib.sha256(b["round"].to_bytes(8, "big")).hexdigest() for b in beacons],
            "signatures": [g1(bytes.fromhex(b["signature"])) for b in beacons],
        },
    )

    for name in ("G1Add", "MapG1", "Pairing"):
        valid = json.loads((source / f"eip2537/bls{name}.json").read_text())
        failing = json.loads((source / f"eip2537/fail-bls{name}.json").read_text())
        write(
            f"eip2537_{name}.json",
            {
                "inputs": ["0x" + v["Input"] for v in valid],
                "outputs": ["0x" + v["Expected"] for v in valid],
                "failing": ["0x" + v["Input"] for v in failing],
            },
        )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
