"""The log read from its end: both formats, searched, bounded, over rotated files, and words for when it can't."""

import io
import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.observability import configure_logging, log_reading, order_context
from app.observability.log_reading import LogUnreadable, Search, parsed, search

ALL = Search()


def line(number: int, level: str = "INFO", order: str = "-", message: str = "") -> str:
    return f"2026-11-22T13:08:{number % 60:02}.000+00:00 {level:<5} [{order}] app.x: {message or f'event {number}'}"


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
    return path


def messages(path: Path, wanted: Search = ALL, **options: object) -> list[str]:
    return [each.message for each in search(path, wanted, **options).lines]  # type: ignore[arg-type]


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "api_class.log"


@pytest.mark.parametrize("format", ["text", "json"])
def test_what_the_service_wrote_is_read_back_with_its_order_and_its_traceback(log_file: Path, format: str) -> None:
    before = logging.getLogger().handlers[:]
    configure_logging(log_file=log_file, level="INFO", format=format, secrets=[], stderr=False)  # type: ignore[arg-type]
    try:
        with order_context("UIA202411-001186"):
            logging.getLogger("app.test").info("fetched: done")
            try:
                raise ValueError("no such plan")
            except ValueError:
                logging.getLogger("app.test").exception("a fault")
    finally:
        for handler in set(logging.getLogger().handlers) - set(before):
            logging.getLogger().removeHandler(handler)
            handler.close()

    newest, oldest = search(log_file, Search()).lines

    assert (oldest.message, oldest.level, oldest.orderref, oldest.logger) == (
        *("fetched: done", "INFO"),
        *("UIA202411-001186", "app.test"),
    )
    assert oldest.time is not None
    assert (newest.message, newest.level) == ("a fault", "ERROR")
    assert newest.more[0].startswith("Traceback")
    assert newest.more[-1] == "ValueError: no such plan"


def test_the_newest_line_comes_first_and_older_ones_follow_where_the_first_look_stopped(log_file: Path) -> None:
    write(log_file, [line(number) for number in range(10)])

    first = search(log_file, Search(), limit=4)
    second = search(log_file, Search(), limit=100, further=first.further or "")

    assert [each.message for each in first.lines] == ["event 9", "event 8", "event 7", "event 6"]
    assert [each.message for each in second.lines] == [f"event {number}" for number in range(5, -1, -1)]
    assert second.further is None


def test_older_lines_are_found_after_the_file_was_rotated_in_between(log_file: Path) -> None:
    write(log_file, [line(number) for number in range(6)])
    first = search(log_file, Search(), limit=3)
    log_file.rename(f"{log_file}.1")
    write(log_file, [line(99)])

    assert messages(log_file, further=first.further or "") == ["event 2", "event 1", "event 0"]


def test_rotated_files_are_read_on_from_the_newest_to_the_oldest(log_file: Path) -> None:
    for number in (2, 10):
        write(Path(f"{log_file}.{number}"), [line(number)])
    write(Path(f"{log_file}.bak"), ["not of the log"])
    write(log_file, [line(0)])

    assert messages(log_file) == ["event 0", "event 2", "event 10"]
    assert b"".join(log_reading.content(log_reading.parts(log_file))).decode().splitlines() == [
        line(10),
        line(2),
        line(0),
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Search(orderref="uia202411-001186"), ["c", "a"]),
        (Search(orderref="UIA202411-001186", level="ERROR"), ["c"]),
        (Search(level="WARNING"), ["c", "b"]),
        (Search(text="Größe [x]"), ["plain Größe [x] error here"]),
        (Search(text=".*"), []),
        (Search(level="NONSENSE"), ["plain Größe [x] error here", "c", "b", "a"]),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_search_finds_the_order_the_text_and_the_level_and_nothing_else(
    log_file: Path, wanted: Search, found: list[str], as_json: bool
) -> None:
    events = [
        *(("INFO", "UIA202411-001186", "a"), ("WARNING", "-", "b"), ("ERROR", "UIA202411-001186", "c")),
        ("INFO", "-", "plain Größe [x] error here"),
    ]
    as_text = [line(number, level, order, text) for number, (level, order, text) in enumerate(events)]
    as_objects = [
        json.dumps(
            {"time": "", "level": level, "logger": "app.x", "orderref": order, "message": text, "exception": None}
        )
        for level, order, text in events
    ]
    write(log_file, as_objects if as_json else as_text)

    assert messages(log_file, wanted) == found


def test_a_search_that_finds_nothing_stops_and_offers_to_go_on(log_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "SCANNED_BYTES", 2_000)
    monkeypatch.setattr(log_reading, "BLOCK_BYTES", 500)
    write(log_file, [line(0, message="the first")] + [line(number) for number in range(100)])

    found, looks = search(log_file, Search(text="the first")), 1
    while not found.lines:
        found, looks = search(log_file, Search(text="the first"), further=found.further or ""), looks + 1

    assert [each.message for each in found.lines] == ["the first"]
    assert looks > 2


def test_a_file_without_line_breaks_is_never_in_memory_as_a_whole(
    log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reading, "LONGEST_LINE_BYTES", 4_000)
    monkeypatch.setattr(log_reading, "BLOCK_BYTES", 1_000)
    log_file.write_bytes(b"x" * 50_000)

    found = search(log_file, Search())

    assert all(len(each.message) <= 5_100 for each in found.lines)
    assert len(found.lines) > 5


@pytest.mark.parametrize(
    "hostile", [b"{", b'{"time": 5, "message": ["x"]}', b"\xff\xfe", b"[]", b'{"a":' * 3000, b"null"]
)
def test_a_line_that_is_not_the_services_is_shown_as_it_is(hostile: bytes) -> None:
    assert parsed(hostile).time is None


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=40)), st.integers(1, 64))
def test_every_line_is_found_once_whatever_the_blocks_cut(lines: list[str], block: int) -> None:
    content = "\n".join(lines).encode()
    before = log_reading.BLOCK_BYTES
    log_reading.BLOCK_BYTES = block
    try:
        chunks = list(log_reading._chunks_backwards(io.BytesIO(content), len(content)))
    finally:
        log_reading.BLOCK_BYTES = before

    read = [each for start, chunk in chunks for each in reversed(chunk.split(b"\n"))]
    assert [each for each in reversed(read) if each] == [each.encode() for each in lines if each]
    assert all(content[start : start + len(chunk)] == chunk for start, chunk in chunks)


def test_a_log_that_is_not_there_and_one_that_may_not_be_read_say_so(log_file: Path) -> None:
    with pytest.raises(LogUnreadable, match="There is no log"):
        search(log_file, Search())
    log_file.mkdir()
    with pytest.raises(LogUnreadable, match="can't be read"):
        search(log_file, Search())
