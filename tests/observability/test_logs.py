"""What gets into a log line, and what doesn't."""

import io
import logging
import threading
from urllib.parse import quote

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.observability import logs
from app.observability.logs import configure_logging, order_context
from tests.observability.conftest import Written
from tests.tools.loopback import Answering, answered_by, serving
from wire.masking import MARK, customer_data

KEY = "utopia-KEY+4711/zz=="
log = logging.getLogger("app.provisioning")


# --- getting past ---


def test_a_key_deep_in_an_argument_goes(any_log: Written) -> None:
    log.info("sent %s", {"headers": [{"X-Other": ("a", KEY)}], "form": {"apiKey": "not registered"}})
    assert KEY not in any_log.text()
    assert "not registered" not in any_log.text()


def test_the_repr_of_an_error_that_holds_the_key_goes(any_log: Written) -> None:
    log.warning("failed: %r", ValueError("POST", {"body": f'apikey "{KEY}" it\'s'}))
    assert "4711" not in any_log.text()


def test_a_traceback_with_the_key_and_the_customer_goes(any_log: Written) -> None:
    def call() -> None:
        raise ConnectionError(f"https://api.example.com/?key={quote(KEY, safe='')} for Zebedee Öberg")

    try:
        with customer_data(["Zebedee", "Öberg"]):
            call()
    except ConnectionError:
        log.exception("order stopped", stack_info=True)
    text = any_log.text()
    assert "Traceback" in text
    assert "ConnectionError" in text
    assert "Stack (most recent call last)" in text
    for part in ("4711", "Zebedee Ö", "berg\n", "Zebedee \\u00d6"):
        assert part not in text.split("ConnectionError: ", 1)[1]


def test_an_errors_cause_is_cleaned_as_well(any_log: Written) -> None:
    def call() -> None:
        with customer_data(["Zebedee"]):
            raise ValueError(f"no {'zebe'}{'dee'} here")

    try:
        try:
            call()
        except ValueError as error:
            raise RuntimeError("order stopped") from error
    except RuntimeError:
        log.exception("stopped")
    assert f"no {MARK} here" in any_log.text()


def test_extra_fields_are_cleaned_by_name_and_by_value(any_log: Written) -> None:
    with customer_data(["Zebedee"]):
        log.info(
            "created",
            extra={"firstName": "Bob", "who": {"is": "zebedee"}, "call": 4065550143, "customer_id": 3417, KEY: 1},
        )
    text = any_log.text()
    assert "3417" in text
    assert not any(part in text.casefold() for part in ("bob", "zebedee", "0143", "4711"))


class _Yes(Answering):
    def do_GET(self) -> None:
        self.answer(200)


def test_urllib3s_own_lines_are_cleaned(any_log: Written) -> None:
    logging.getLogger("urllib3.connectionpool").setLevel(logging.DEBUG)
    with serving(answered_by(_Yes)) as address, customer_data(["Öberg"]), requests.Session() as session:
        session.trust_env = False
        asked = {"q": "Öberg", "key": KEY, "apiKey": "other"}
        session.get(f"{address}/uapi/customer/Find", params=asked, timeout=5)
    assert "GET /uapi/customer/Find?q=" in any_log.text()
    assert not any(part in any_log.text() for part in ("berg", "4711", "other"))


def test_a_library_that_prints_by_itself_is_led_to_our_log(written: Written) -> None:
    stream = io.StringIO()
    other = logging.getLogger("gunicorn.error")
    other.propagate = False
    other.addHandler(logging.StreamHandler(stream))
    configure_logging(log_file=written.path, level="INFO", format="text", secrets=[KEY])
    other.error("Error handling request /?token=zzz %s", KEY)
    assert stream.getvalue() == ""
    assert f"Error handling request /?token={MARK} {MARK}" in written.text()


def test_dbos_does_not_start_a_console_of_its_own(text_log: Written) -> None:
    from dbos._logger import dbos_logger, init_logger

    init_logger()
    dbos_logger.warning("step failed with %s", KEY)
    assert f"dbos: step failed with {MARK}" in text_log.text()


def test_an_error_that_nothing_catches_in_a_thread_is_logged_cleaned(
    any_log: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError(f"with {KEY}")

    logs._log_uncaught_errors()  # pytest puts its own hook in place before each test
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert f"RuntimeError: with {MARK}" in any_log.text()
    assert "4711" not in capsys.readouterr().err


def test_stderr_gets_the_same_cleaned_line(text_log: Written, capsys: pytest.CaptureFixture[str]) -> None:
    log.warning("with %s", KEY)
    assert capsys.readouterr().err == text_log.text()


# --- one event, one line ---


def test_the_text_line_has_time_level_order_logger_and_message(text_log: Written) -> None:
    with order_context("UIA202411-001186"):
        log.info("customer %s created", 3417)
    log.warning("by itself")
    first, second = text_log.lines()
    assert first[23:].startswith("+00:00 INFO  [UIA202411-001186] app.provisioning: customer 3417 created")
    assert second[23:] == "+00:00 WARNING [-] app.provisioning: by itself"


def test_grep_for_an_order_finds_its_lines_and_no_others(text_log: Written) -> None:
    with order_context("UIA202411-000001"):
        log.info("one")
        with order_context("UIA202411-000002"):
            log.info("two")
        log.info("three")
    log.info("four")
    found = [line.rsplit(" ", 1)[1] for line in text_log.lines() if "[UIA202411-000001]" in line]
    assert found == ["one", "three"]


def test_the_json_line_has_the_fields_that_programs_read(json_log: Written) -> None:
    with order_context("UIA202411-001186"):
        log.info("created", extra={"customer_id": 3417, "time": "shadow", "retried": False})
    (event,) = json_log.events()
    assert event.pop("time").endswith("+00:00")
    assert event == {
        "level": "INFO",
        "logger": "app.provisioning",
        "orderref": "UIA202411-001186",
        "message": "created",
        "exception": None,
        "customer_id": 3417,
        "extra_time": "shadow",
        "retried": False,
    }


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\x0b", "\x85", "\u2028", "\x1b[2K\r"])
def test_a_line_break_in_a_name_forges_no_line(any_log: Written, line_break: str) -> None:
    log.info("customer Eve%s2026-11-22T10:00:00.000+00:00 INFO  [-] app: all is well", line_break)
    assert len(any_log.lines()) == 1
    assert "\x1b" not in any_log.text()


def test_a_traceback_stays_on_its_events_line(any_log: Written) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        log.exception("stopped")
    assert len(any_log.lines()) == 1
    assert r"two\nlines" in any_log.text()


def test_an_orderref_made_to_forge_is_shown_harmless(text_log: Written) -> None:
    with order_context("UIA] app: x\n2026" + "9" * 100):
        log.info("seen")
    (line,) = text_log.lines()
    assert "[UIA??app:?x?20269" in line
    assert len(line) < 200


def test_a_line_with_wrong_arguments_is_not_lost(any_log: Written) -> None:
    log.error("order %d stopped %s", "x")  # noqa: PLE1206 - that is the point
    assert "order %d stopped %s (arguments don't fit: TypeError)" in any_log.text()


def test_a_value_without_repr_is_not_lost(any_log: Written) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    log.error("stopped", extra={"at": Broken()})
    assert "Broken without a repr (RuntimeError)" in any_log.text()


def test_of_a_huge_traceback_the_error_itself_stays(any_log: Written) -> None:
    def deeper(times: int) -> None:
        exec(f"# {'x' * 2000}\nif {times}: again({times - 1})\nelse: raise ValueError('the reason')", {"again": deeper})

    try:
        deeper(200)
    except ValueError as error:
        log.error("stopped", exc_info=(ValueError, ValueError("x" * 40_000 + "\nthe reason"), error.__traceback__))
    assert "the reason" in any_log.text()
    assert len(any_log.text()) < 60_000


_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=3, max_size=30).map(str.strip)


@pytest.mark.long
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=_names.filter(lambda name: len(name) > 2 and name.lower() not in ("none", "null")), around=st.text())
def test_json_stays_json_and_the_name_stays_out(json_log: Written, name: str, around: str) -> None:
    json_log.path.write_text("")
    with customer_data([name]):
        log.info("%s", around + name + around, extra={"shown": [around, name]})
    (event,) = (event for event in json_log.events() if event["logger"] == log.name)  # other threads log, too
    assert all(name not in part for part in event["message"].split(MARK) if name not in MARK)
