"""Whatever a file holds, it is read or refused, and says why."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banking.statements.faults import StatementFileError
from banking.statements.identity import line_keys, line_seen
from banking.statements.previewing import preview_statement
from banking.statements.reading import read_statement_file
from banking.tests.statements.cast import DIALECTS, sample

_SAMPLES = [sample(dialect, number) for dialect in DIALECTS for number in (1, 2)]
# What is put into samples: pieces of all formats, numbers that are none, controls, half characters.
_PIECES = [
    b"", b"\0", b"\n", b",", b";", b'"', b"<", b">", b"</", b"&", b"]]>", b"<![CDATA[", b"NaN", b"-", b"1e9",
    b"9" * 40, b"\xff", b"\xe2\x82", b":61:", b":20:", b":86:", b"-}", b"{4:", b"<STMTTRN>", b"</OFX>",
    b"<Ntry>", b"<?xml", b"<!DOCTYPE a>", b"2024-02-30", b"20991231", b"&#0;", b"&#x1F600;", b"\r", b"\x1a",
    b"EUR", b"?20", b"/REMI/", b"()", b"\xef\xbb\xbf", b"\xff\xfe",
]  # fmt: skip


def reads_or_refuses(data: bytes) -> None:
    """Read a file to its last line, or have it refused with a field and a reason."""
    try:
        file = read_statement_file(data, currency="EUR").file
    except StatementFileError as error:
        faults = error.details
        file = None
    if file is None:
        assert all(one.field and len(one.message) > 10 for one in faults)
        return
    for statement in file.statements:
        for key, read in zip(line_keys(statement), statement.lines, strict=True):
            line = line_seen(read, key, account_id="a", currency="EUR")
            assert line.amount.is_finite()
            assert line.amount
            assert 1 <= len(line.id) <= 200
            assert line.description
            assert "\0" not in line.description
            repr(line.raw).encode()


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_random_bytes(data: bytes) -> None:
    reads_or_refuses(data)


@given(st.text(alphabet='0123456789,;."-\n\t/ ()DateAmountDescription€', max_size=300))
@settings(max_examples=300, deadline=None)
def test_random_tables(text: str) -> None:
    reads_or_refuses(b"Date,Amount\n" + text.encode())


@given(
    st.sampled_from(_SAMPLES),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(_PIECES)), min_size=1, max_size=6
    ),
)
@settings(max_examples=800, deadline=None)
def test_mutated_samples(data: bytes, changes: list[tuple[float, int, bytes]]) -> None:
    for where, length, piece in changes:
        at = int(where * len(data))
        data = data[:at] + piece + data[at + length :]

    reads_or_refuses(data)
    preview_statement(data=data)


@given(st.sampled_from(_SAMPLES), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_truncated_samples(data: bytes, where: float) -> None:
    reads_or_refuses(data[: int(where * len(data))])


_LARGE = {
    "cdata": b"<OFX>" + b"<A><![CDATA[" * 400_000 + b"</OFX>",
    "open elements": b"<OFX>" + b"<A>" * 1_600_000 + b"</OFX>",
    "brackets": b"<OFX>" + b"<" * 5_000_000 + b"</OFX>",
    "one name": b"<OFX><" + b"A" * 5_000_000 + b"></OFX>",
    "entries": b'<Document xmlns="camt.053"><BkToCstmrStmt><Stmt>' + b"<Ntry/>" * 700_000,
    "one entry": b"<Document><BkToCstmrStmt><Stmt><Ntry>" + b"<a/>" * 1_200_000,
    "siblings": b"<Document><BkToCstmrStmt>" + b"<a/>" * 1_200_000,
    "details": b":20:A\n:25:1\n:61:240105D7,20NMSC//X\n:86:" + b"?20" * 1_600_000,
    "detail lines": b":20:A\n:25:1\n:61:240105D7,20NMSC//X\n:86:1\n" + b"/REMI/x\n" * 600_000,
    "lines": b":20:A\n:25:1\n" + b":61:240105D7,20NMSC//X\n" * 200_000,
    "broken lines": b":20:A\n:25:1\n" + b":61:x\n" * 800_000,
    "quotes": b"Date,Amount\n" + b'"' * 5_000_000,
    "rows": b"Date,Amount\n" + b"2024-01-05,1\n" * 400_000,
    "faulty rows": b"Date,Amount\n" + b"x,y\n" * 1_200_000,
    "cells": b"Date,Amount\n" + b"1,\n" * 1_600_000,
    "spaces": b"Date,Amount\n" + b" " * 5_000_000,
    "nothing but lines": b"\n" * 5_000_000 + b"x",
}


@pytest.mark.parametrize("name", _LARGE)
def test_large_nonsense_is_refused_soon(name: str) -> None:
    started = time.process_time()

    with pytest.raises(StatementFileError):
        read_statement_file(_LARGE[name], currency="EUR").file.faults.raise_any()

    assert time.process_time() - started < 10
