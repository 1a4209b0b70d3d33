"""The log read from its end: searched, bounded, over rotated files, and words for when it can't be read."""

import io
import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.observability import configure_logging, log_reader, order_context
from app.observability.log_reader import LogUnreadable, search


def line(number: int, level: str = "INFO", order: str = "-", message: str = "") -> str:
    return f"2026-11-22T13:08:{number % 60:02}.000+00:00 {level:<5} [{order}] app.x: {message or f'event {number}'}"


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
    return path


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "api_class.log"


@pytest.mark.parametrize("format", ["text", "json"])
def test_what_the_service_wrote_is_found_with_its_order_and_its_traceback(log_file: Path, format: str) -> None:
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

    newest, oldest = search(log_file).lines

    assert "fetched: done" in oldest
    assert "UIA202411-001186" in oldest
    assert "ERROR" in newest
    assert "ValueError: no such plan" in newest
    assert search(log_file, "uia202411-001186", "a fault").lines == [newest]


def test_the_newest_lines_come_first_and_those_left_out_are_told(log_file: Path) -> None:
    write(log_file, [line(number) for number in range(10)])

    first, all_of_them = search(log_file, limit=4), search(log_file, limit=10)

    assert first.lines == [line(number) for number in (9, 8, 7, 6)]
    assert (first.is_all, len(all_of_them.lines), all_of_them.is_all) == (False, 10, True)


def test_rotated_files_are_read_on_from_the_newest_to_the_oldest(log_file: Path) -> None:
    for number in (2, 10):
        write(Path(f"{log_file}.{number}"), [line(number)])
    write(Path(f"{log_file}.bak"), ["not of the log"])
    write(log_file, [line(0)])

    assert search(log_file).lines == [line(0), line(2), line(10)]
    assert b"".join(log_reader.content(log_reader.parts(log_file))).decode().splitlines() == [
        line(10),
        line(2),
        line(0),
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["uia202411-001186"], ["c", "a"]),
        (["UIA202411-001186", "error"], ["c"]),
        (["", "Größe [x]"], ["plain Größe [x] error here"]),
        (["", ".*"], []),
        (["", " "], ["plain Größe [x] error here", "c", "b", "a"]),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_search_finds_the_order_and_the_text_and_nothing_else(
    log_file: Path, wanted: list[str], found: list[str], as_json: bool
) -> None:
    events = [
        ("INFO", "UIA202411-001186", "a"),
        ("WARNING", "-", "b"),
        ("ERROR", "UIA202411-001186", "c"),
        ("INFO", "-", "plain Größe [x] error here"),
    ]
    written = {
        text: json.dumps({"level": level, "orderref": order, "message": text})
        if as_json
        else line(number, level, order, text)
        for number, (level, order, text) in enumerate(events)
    }
    write(log_file, list(written.values()))

    assert search(log_file, *wanted).lines == [written[text] for text in found]


def test_a_search_looks_through_the_newest_part_only_and_says_so(
    log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "SCANNED_BYTES", 2_000)
    monkeypatch.setattr(log_reader, "BLOCK_BYTES", 500)
    write(log_file, [line(0, message="the first")] + [line(number) for number in range(100)])

    found = search(log_file, "the first")

    assert (found.lines, found.is_all) == ([], False)


def test_a_file_without_line_breaks_is_never_in_memory_as_a_whole(
    log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "LONGEST_LINE_BYTES", 4_000)
    monkeypatch.setattr(log_reader, "BLOCK_BYTES", 1_000)
    log_file.write_bytes(b"x" * 50_000)

    found = search(log_file)

    assert all(len(each) <= 5_100 for each in found.lines)
    assert len(found.lines) > 5


@pytest.mark.parametrize("foreign", [b"{", b"\xff\xfe", b'{"message": ["x"]}', b"null"])
def test_a_line_that_is_not_the_services_is_shown_as_it_is(log_file: Path, foreign: bytes) -> None:
    log_file.write_bytes(foreign + b"\r\n")

    assert search(log_file).lines == [foreign.decode("utf-8", "replace")]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=40)), st.integers(1, 64))
def test_every_line_is_found_once_whatever_the_blocks_cut(lines: list[str], block: int) -> None:
    content = "\n".join(lines).encode()
    before = log_reader.BLOCK_BYTES
    log_reader.BLOCK_BYTES = block
    try:
        chunks = list(log_reader._chunks_backwards(io.BytesIO(content), len(content)))
    finally:
        log_reader.BLOCK_BYTES = before

    read = [each for chunk in chunks for each in reversed(chunk.split(b"\n"))]
    assert [each for each in reversed(read) if each] == [each.encode() for each in lines if each]


def test_a_log_that_is_not_there_and_one_that_may_not_be_read_say_so(log_file: Path) -> None:
    with pytest.raises(LogUnreadable, match="There is no log"):
        search(log_file)
    log_file.mkdir()
    with pytest.raises(LogUnreadable, match="can't be read"):
        search(log_file)
