"""FITS files of any size made of plain bytes, for tests that only need them to be whole or cut."""

from __future__ import annotations

import random


def header(*cards: str) -> bytes:
    text = b"".join(card.encode("ascii").ljust(80) for card in (*cards, "END"))
    return text + b" " * (-len(text) % 2880)


def small_fits(n_bytes: int = 5000, seed: int = 1, extensions: int = 0) -> bytes:
    """A FITS file whose data units hold `n_bytes` random bytes each (incompressible)."""
    draw = random.Random(seed)
    units = []
    for number in range(1 + extensions):
        first = "SIMPLE  =                    T" if number == 0 else "XTENSION= 'IMAGE   '"
        more = ("PCOUNT  =                    0", "GCOUNT  =                    1") if number else ()
        head = header(
            first, "BITPIX  =                    8", "NAXIS   =                    1", f"NAXIS1  = {n_bytes:20d}", *more
        )
        units.append(head + draw.randbytes(n_bytes) + bytes(-n_bytes % 2880))
    return b"".join(units)
