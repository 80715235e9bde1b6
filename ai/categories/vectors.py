"""Texts as vectors, by hashing their words and runs of letters: nothing to download, the same on every
machine.

numpy is loaded when this module is: import it inside the function that needs it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final
from zlib import crc32

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float32]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]
Hashes = np.ndarray[Any, np.dtype[np.uint64]]

# Runs of 2 to 5 letters: endings, stems and what banks leave of cut words.
_RUNS: Final = (2, 3, 4, 5)
# How rare something is, is counted in so many drawers.
BUCKETS: Final = 1 << 15
# Columns of the vectors that the linear model reads.
TEXT_COLUMNS: Final = 2048
# Columns of the vectors that neighbours are found by.
NEIGHBOUR_COLUMNS: Final = 384
# Rows at a time: a dense block of them is 16 MB.
_BLOCK: Final = 2048

_PRIME: Final = np.uint64(1099511628211)
_OFFSET: Final = np.uint64(14695981039346656037)
_GOLDEN: Final = 0x9E3779B97F4A7C15
_ALL: Final = (1 << 64) - 1


class Counted:
    """How often each drawer is filled in each text: parallel arrays of row, bucket and count."""

    def __init__(self, texts: Sequence[str], patterns: Sequence[str]) -> None:
        rows, hashes = _runs(patterns)
        word_rows, word_hashes = _words(texts, patterns)
        every = np.concatenate([rows, word_rows])
        buckets = (_mixed(np.concatenate([hashes, word_hashes])) % np.uint64(BUCKETS)).astype(np.int64)
        cells, counts = np.unique(every * BUCKETS + buckets, return_counts=True)
        self.size = len(texts)
        self.rows: Numbers = cells // BUCKETS
        self.buckets: Numbers = cells % BUCKETS
        self.counts: Floats = (1 + np.log(counts)).astype(np.float32)

    def rarity(self) -> Floats:
        """How much each drawer counts: the rarer it is among these texts, the more."""
        found = np.bincount(self.buckets, minlength=BUCKETS)
        return (np.log((1 + self.size) / (1 + found)) + 1).astype(np.float32)

    def dense(self, columns: int, rarity: Floats | None = None) -> Floats:
        """The texts as rows of length 1, drawers folded into `columns` with signs that cancel out chance."""
        values = self.counts if rarity is None else self.counts * rarity[self.buckets]
        lengths = np.sqrt(np.bincount(self.rows, values * values, minlength=self.size))
        values = values / np.maximum(lengths[self.rows], 1e-9)
        folded = _mixed(self.buckets.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(1))
        column = (folded % np.uint64(columns)).astype(np.int64)
        signed = np.where((folded >> np.uint64(40)) & np.uint64(1), values, -values)
        vectors = np.empty((self.size, columns), np.float32)
        # Rows come in order, so that each block is one slice.
        for start in range(0, self.size, _BLOCK):
            stop = min(start + _BLOCK, self.size)
            first, last = np.searchsorted(self.rows, [start, stop])
            cells = (self.rows[first:last] - start) * columns + column[first:last]
            filled = np.bincount(cells, signed[first:last], minlength=(stop - start) * columns)
            vectors[start:stop] = filled.reshape(stop - start, columns)
        return vectors


def neighbour_vectors(patterns: Sequence[str]) -> Floats:
    """The vectors by which texts are neighbours; cosine similarity is their inner product."""
    return Counted(patterns, patterns).dense(NEIGHBOUR_COLUMNS)


def _runs(texts: Sequence[str]) -> tuple[Numbers, Hashes]:
    """Each run of letters of each text: row, and hash (FNV-1a over its bytes)."""
    encoded = [f" {text} ".encode() for text in texts]
    lengths = np.array([len(one) for one in encoded], dtype=np.int64)
    data = np.frombuffer(b"".join(encoded), np.uint8).astype(np.uint64)
    rows = np.repeat(np.arange(len(encoded)), lengths)
    ends = np.repeat(np.cumsum(lengths), lengths)
    places = np.arange(len(data))
    padded = np.concatenate([data, np.zeros(max(_RUNS), np.uint64)])
    hashes = np.full(len(data), _OFFSET, np.uint64)
    found_rows, found_hashes = [], []
    for length in range(1, max(_RUNS) + 1):
        hashes = (hashes ^ padded[length - 1 : length - 1 + len(data)]) * _PRIME
        if length in _RUNS:
            whole = places + length <= ends
            found_rows.append(rows[whole])
            found_hashes.append(hashes[whole] ^ np.uint64(length * _GOLDEN & _ALL))
    return np.concatenate(found_rows), np.concatenate(found_hashes)


def _words(texts: Sequence[str], patterns: Sequence[str]) -> tuple[Numbers, Hashes]:
    """Each word and pair of words of each text, and the shapes of its numbers: row, and hash."""
    rows: list[int] = []
    hashes: list[int] = []
    for row, (text, pattern) in enumerate(zip(texts, patterns, strict=True)):
        words = text.split()
        found = [crc32(word.encode()) * _GOLDEN & _ALL for word in words]
        found += [crc32(f"{a} {b}".encode()) * 0xC2B2AE3D27D4EB4F & _ALL for a, b in pairwise(words)]
        if pattern != text:
            found += [
                crc32(f"~{shape}".encode()) * _GOLDEN & _ALL
                for word, shape in zip(words, pattern.split(), strict=False)
                if word != shape
            ]
        rows += [row] * len(found)
        hashes += found
    return np.array(rows, dtype=np.int64), np.array(hashes, dtype=np.uint64)


def _mixed(hashes: Hashes) -> Hashes:
    """Spread over all bits (the finalizer of MurmurHash3)."""
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    return hashes ^ (hashes >> np.uint64(33))
