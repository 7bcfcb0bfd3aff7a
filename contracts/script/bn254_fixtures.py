"""Writes test/fixtures/bn254.json: the G2 keys of the multisignatures that `test/AttestationGas.t.sol` compares.

Member i of a committee has the secret keccak256(abi.encode("bn254", i)) mod r; the first q of n sign. No precompile
multiplies in G2, so that the signers' aggregate, G2 times the sum of their secrets, is computed here. Points are
x.c1, x.c0, y.c1, y.c0 as EIP-197 has them. Needs `py_ecc` and `pycryptodome`, which tools/requirements.txt pins.
"""

import json
import pathlib

from Crypto.Hash import keccak
from py_ecc.optimized_bn128 import G2, curve_order, multiply, normalize

OUT = pathlib.Path(__file__).resolve().parents[1] / "test/fixtures/bn254.json"
SIZES = [4, 7, 31, 100]


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def secret(index: int) -> int:
    encoded = word(64) + word(index) + word(5) + b"bn254".ljust(32, b"\0")
    return int.from_bytes(keccak.new(digest_bits=256, data=encoded).digest(), "big") % curve_order


def aggregate(signers: int) -> str:
    x, y = normalize(multiply(G2, sum(map(secret, range(signers))) % curve_order))
    return "0x" + b"".join(word(int(c)) for c in (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0])).hex()


keys = {f"n{n}": aggregate(n - (n - 1) // 3) for n in SIZES}
OUT.write_text(json.dumps(keys, indent=1) + "\n")
