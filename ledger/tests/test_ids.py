"""Ids inside (UUIDv7) and outside (TypeIDs)."""

import os
from uuid import UUID

import pytest
import uuid_utils
from hypothesis import given
from hypothesis import strategies as st
from typeid import TypeID

from ledger.exceptions import ValidationError
from ledger.ids import Prefix, decode_id, encode_id, encode_optional_id, new_id


def test_new_ids_are_version_7_and_never_go_back() -> None:
    ids = [new_id() for _ in range(20_000)]

    assert {type(one) for one in ids} == {UUID}
    assert {one.version for one in ids} == {7}
    assert ids == sorted(set(ids))


def test_forked_processes_make_different_ids() -> None:
    new_id()
    read, write = os.pipe()
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            os.write(write, b"".join(new_id().bytes for _ in range(50)))
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)

    made = os.read(read, 10_000)
    os.close(read)
    os.close(write)
    assert len({made[start : start + 16] for start in range(0, len(made), 16)}) == 100


@given(st.uuids())
def test_an_id_is_the_typeid_of_its_uuid_and_reads_back(value: UUID) -> None:
    text = encode_id(Prefix.ACCOUNT, value)

    assert text == str(TypeID.from_uuid(uuid_utils.UUID(value.hex), "acc"))
    assert decode_id(Prefix.ACCOUNT, text, field="accountId") == value


def test_ids_agree_with_the_typeid_specification() -> None:
    # From the specification's list of valid ids.
    assert (
        encode_id("prefix", UUID("01890a5d-ac96-774b-bcce-b302099a8057"))
        == "prefix_01h455vb4pex5vsknk084sn02q"
    )
    assert encode_id("prefix", UUID(int=2**128 - 1)) == "prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz"


def test_no_record_has_no_id() -> None:
    assert encode_optional_id(Prefix.ACCOUNT, None) is None
    assert encode_optional_id(Prefix.ACCOUNT, UUID(int=0)) == "acc_" + 26 * "0"


@pytest.mark.parametrize(
    "text",
    [
        "txn_01h455vb4pex5vsknk084sn02q",  # another kind
        "acc_01h455vb4pex5vsknk084sn02",  # a character short
        "acc_01h455vb4pex5vsknk084sn02qq",  # a character long
        "acc_01H455VB4PEX5VSKNK084SN02Q",  # capitals
        "acc_01h455vb4pex5vsknk084sn02u",  # u is not in the alphabet
        "acc_8zzzzzzzzzzzzzzzzzzzzzzzzz",  # 129 bits
        "acc_\u06601h455vb4pex5vsknk084sn02q",  # an Arabic zero
        "acc_01h455vb4pex5vsknk084sn0é",  # 26 bytes, 25 characters
        "ACC_01h455vb4pex5vsknk084sn02q",
        "acc_01h455vb4pex5vsknk084sn02q\n",
        " acc_01h455vb4pex5vsknk084sn02q",
        "01h455vb4pex5vsknk084sn02q",
        "acc_",
        "",
        "acc_debit_12345",
        None,
        5,
        ["acc_01h455vb4pex5vsknk084sn02q"],
        {"id": "acc_01h455vb4pex5vsknk084sn02q"},
    ],
)
def test_what_is_no_id_of_the_kind_is_refused_with_field_value_and_right_form(text: object) -> None:
    with pytest.raises(ValidationError) as caught:
        decode_id(Prefix.ACCOUNT, text, field="debitAccountId")

    detail = caught.value.details[0]
    assert detail.field == "debitAccountId"
    assert "'acc_' followed by 26 characters" in detail.message
    if isinstance(text, str) and text.isprintable():
        assert f'"{text}"' in detail.message
