"""The quick way through a request shape says what the serializer says."""

import threading
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ledger.api.lean import LeanShape
from ledger.api.serializers import RequestSerializer, TextField, TimestampField
from ledger.exceptions import ValidationError


class NoteBody(RequestSerializer):
    written_at = TimestampField()
    note_text = TextField(max_length=10, required=False)


NOTE = LeanShape(NoteBody)


def test_both_spellings_are_read() -> None:
    midnight = datetime(2024, 1, 15, tzinfo=UTC)
    for sent in ({"writtenAt": "2024-01-15"}, {"written_at": "2024-01-15"}):
        assert NOTE.read(sent, zone=ZoneInfo("UTC")) == {"written_at": midnight}


def test_every_fault_is_listed_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        NOTE.read({"writtenAt": "soon", "noteText": "x" * 11, "nots": 1}, zone=ZoneInfo("UTC"))

    assert {detail.field for detail in refused.value.details} == {"writtenAt", "noteText", "nots"}


def test_threads_do_not_take_each_others_time_zone() -> None:
    zones = [ZoneInfo("Pacific/Auckland"), ZoneInfo("America/Los_Angeles")]
    wrong: list[object] = []
    start = threading.Barrier(len(zones))

    def read(zone: ZoneInfo) -> None:
        right = datetime(2024, 1, 15, tzinfo=zone).astimezone(UTC)
        start.wait()
        for _ in range(3000):
            read = NOTE.read({"writtenAt": "2024-01-15"}, zone=zone)["written_at"]
            if read != right:
                wrong.append(read)

    threads = [threading.Thread(target=read, args=(zone,)) for zone in zones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
