"""Attempts to get a secret or a customer's value past the redaction."""

import base64
import json
import pickle
import threading
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.masking import LINE_LIMIT, MARK, Redactor, customer_data
from wire.masking.notations import _ENCODERS, customer_pattern
from wire.masking.spans import Values

KEY = "k3y/Utopia+84==z"
ADA = ["Ada", "Lind", "12 N EXAMPLE AVENUE", "ada.lind@example.com", "4065550143"]


def cleaned(text: object) -> str:
    return Redactor([KEY]).clean(text)


def has_its_own_marks_only(text: str, value: str) -> bool:
    return all(value not in part for part in text.split(MARK))


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        quote(KEY),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower(),
        quote_plus(KEY),
        json.dumps(KEY),
        json.dumps(KEY).replace("/", "\\/"),
        repr(KEY),
        repr(KEY.encode()),
        KEY.upper(),
        base64.b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(KEY.encode()).decode(),
        quote(base64.b64encode(KEY.encode()).decode(), safe=""),
        *(base64.b64encode(f"{user}:{KEY}:x".encode()).decode() for user in ("a", "bc", "def")),
    ],
)
def test_a_registered_secret_goes_in_every_form(form: str) -> None:
    assert cleaned(f"before {form} after") in (
        f"before {MARK} after",
        f'before "{MARK}" after',
        f"before '{MARK}' after",
        f"before b'{MARK}' after",
    )


def test_a_secret_with_quotes_and_line_breaks_goes_through_nested_notations() -> None:
    secret = "p\"w'\\1\nö"
    redactor = Redactor([secret])
    for form in (json.dumps(secret), repr(secret), ascii(secret), repr(json.dumps(secret)), json.dumps([secret])):
        shown = redactor.clean(f"sent {form}")
        assert MARK in shown
        assert "w'" not in shown


def test_short_secrets_do_not_eat_the_log_but_go_behind_their_field_name() -> None:
    redactor = Redactor(["abc", "", None])
    assert redactor.clean("abcabc") == "abcabc"
    assert redactor.clean("password=abc") == f"password={MARK}"


def test_of_a_database_address_the_password_goes_quoted_and_unquoted() -> None:
    redactor = Redactor(["postgresql://handler:p%40ss-word@db.example.com/orders", "sqlite:///instance/handler.db"])
    assert redactor.clean("tried p@ss-word, p%40ss-word") == f"tried {MARK}, {MARK}"
    assert redactor.clean("at sqlite:///instance/handler.db") == "at sqlite:///instance/handler.db"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /uapi?apiKey=zzz&page=1", f"GET /uapi?apiKey={MARK}&page=1"),
        ("POST /api-callback?token=zzz HTTP/1.1", f"POST /api-callback?token={MARK} HTTP/1.1"),
        (
            "{'apikey': 'zzz', 'orderref': 'UIA202411-001186'}",
            f"{{'apikey': '{MARK}', 'orderref': 'UIA202411-001186'}}",
        ),
        ('{"customerPortalPassword": "a \\"b\\" c", "x": 1}', f'{{"customerPortalPassword": "{MARK}", "x": 1}}'),
        (r'"{\"password\": \"a b\", \"x\": 1}"', rf'"{{\"password\": \"{MARK}\", \"x\": 1}}"'),
        ("Authorization: Basic enp6enp6", f"Authorization: {MARK}"),
        ("{'Authorization': 'Bearer zz.zz'}", f"{{'Authorization': '{MARK}'}}"),
        ("header Basic enp6eno= sent", f"header Basic {MARK} sent"),
        ("[(b'authorization', b'Basic enp6')]", f"[(b'authorization', b'{MARK}')]"),
        ("Cookie: session=aa; remember=bb", f"Cookie: {MARK}"),
        ("X-Callback-Token: zzz", f"X-Callback-Token: {MARK}"),
        ("UTOPIA_API_KEY=zzz SECRET_KEY=yyy", f"UTOPIA_API_KEY={MARK} SECRET_KEY={MARK}"),
        ("%7B%22password%22%3A%22zzz%22%7D", f"%7B%22password%22%3A%22{MARK}%22%7D"),
        ("postgresql://joe:pw@db.example.com/h", f"postgresql://{MARK}@db.example.com/h"),
        ("firstname=Ada Maria lastname=Lind, next", f"firstname={MARK} lastname={MARK}, next"),
        ("street: 12 N EXAMPLE AVENUE, retried", f"street: {MARK}, retried"),
        (
            "[('firstName', 'Ada'), ('physicalStreet', '1 Elm')]",
            f"[('firstName', '{MARK}'), ('physicalStreet', '{MARK}')]",
        ),
        ("GET /uapi/customer/Find?query=Ada+Lind", f"GET /uapi/customer/Find?query={MARK}"),
        ("description=<p>Hello Ada Lind</p>", f"description={MARK}"),
        ("to ada.lind@example.com, o'brien@example.com", f"to {MARK}, {MARK}"),
        ("emailto ada%40example.com.", f"emailto {MARK}"),
        ("INSERT [parameters: ('Ada', 'Lind')]", f"INSERT [parameters: {MARK}]"),
        ("[generated in 0.00012s] ('Ada', 'Lind')", f"[generated in 0.00012s] {MARK}"),
        ("DETAIL:  Key (email)=(ada lind) already exists.", f"DETAIL:  Key (email)=({MARK}) already exists."),
        ("Failing row contains (7, Ada, Lind).", f"Failing row contains ({MARK})."),
    ],
)
def test_unregistered_secrets_and_unknown_customers_go_by_their_shape(text: str, shown: str) -> None:
    assert cleaned(text) == shown


@pytest.mark.parametrize(
    "phone",
    [
        "4065550143",
        "406-555-0143",
        "406.555.0143",
        "406 555 0143",
        "(406) 555-0143",
        "(406)555-0143",
        "+14065550143",
        "1-406-555-0143",
        "+1 (406) 555-0143",
        "14065550143",
    ],
)
def test_phone_numbers_go_in_every_us_form(phone: str) -> None:
    for text in (f"call {phone}.", f'"{phone}"', f"%22{quote(phone)}%22", f"\\n{phone}\\n", f"{phone}x12"):
        assert phone not in cleaned(text)
        assert "0143" not in cleaned(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T10:00:01.123+00:00",
        "2026-11-22 10:00:01,123456",
        "order UIA202411-001186 of site 714780 became customer 3417, ticket 15",
        "Listening at 127.0.0.1:5050, pid 12345, epoch 1732269601 and 1732269601.25",
        "workflow order-UIA202411-001186 step 0f4065e8-4065-4550-8143-4065550143ab",
        "POST https://powercode.example.com:444/api/1/index.php took 2345 ms",
        "unexpected answer: statusCode 23",
        "password: None, token=null",
        "Basic authentication is needed",
        "Address already in use",
    ],
)
def test_what_staff_need_to_read_stays(text: str) -> None:
    assert cleaned(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "no such person: ADA LIND",
        "ada  lind / Lind, Ada",
        "GET /find?q=Ada%20Lind",
        "12%20N%20EXAMPLE%20AVENUE 12+N+Example+Avenue 12-n-example-avenue",
        "ADA.LIND@EXAMPLE.COM ada.lind%40example.com",
        "406/555/0143 406 . 555 . 0143",
        repr({"a": {"b": [("Ada", {"c": "Lind"})]}}),
    ],
)
def test_the_running_orders_customer_goes_whatever_the_notation(text: str) -> None:
    with customer_data(ADA):
        shown = cleaned(text).casefold()
    assert not any(part in shown for part in ("ada", "lind", "example", "avenue", "555", "0143"))


def test_accents_go_composed_decomposed_left_out_escaped_and_in_upper_case() -> None:
    name = "José Ñandú"
    with customer_data([name]):
        for form in (
            name,
            name.upper(),
            name.lower(),
            unicodedata.normalize("NFD", name),
            "Jose Nandu",
            quote(name),
            quote_plus(name.upper()),
            json.dumps(name),
            repr(json.dumps(name)),
            repr(name.encode()),
        ):
            assert cleaned(f"<{form}>").strip("b<>'\"") == MARK, form


def test_a_name_with_quotes_goes_from_json_repr_and_html() -> None:
    with customer_data(['Ada "The" O\'Brien']):
        for form in (
            json.dumps({"n": 'Ada "The" O\'Brien'}),
            repr('Ada "The" O\'Brien'),
            repr(json.dumps('Ada "The" O\'Brien')),
            "Ada &quot;The&quot; O&#x27;Brien",
        ):
            assert "Brien" not in cleaned(form), form


def test_names_of_two_letters_go_as_words_only() -> None:
    with customer_data(["Ng"]):
        assert cleaned("Ng ng, NG: Ada%20Ng running") == f"{MARK} {MARK}, {MARK}: Ada%20{MARK} running"


def test_the_longer_of_two_values_goes_whole() -> None:
    with customer_data(["Ann", "Annabel Lee"]):
        assert cleaned("for Annabel Lee") == f"for {MARK}"


def test_nothing_of_utopia_counts_as_a_value() -> None:
    with customer_data(["", "None", "null", None]):
        assert cleaned("None of it is null") == "None of it is null"


def test_values_of_nested_blocks_add_up_and_end_with_their_block() -> None:
    with customer_data(["Ada"]):
        with customer_data(["Bob"]):
            assert cleaned("Ada Bob") == f"{MARK} {MARK}"
        assert cleaned("Ada Bob") == f"{MARK} Bob"
    assert cleaned("Ada Bob") == "Ada Bob"


def test_values_that_are_learned_within_the_block_count_from_then_on() -> None:
    known = ["Ada"]
    with pytest.raises(ValueError, match="Bob") as caught, customer_data(known):
        assert cleaned("Ada Bob") == f"{MARK} Bob"
        known.append("Bob")
        assert cleaned("Ada Bob") == f"{MARK} {MARK}"
        raise ValueError("Bob")
    known.clear()
    assert Redactor().clean("Bob", caught.value) == MARK


def test_another_threads_lines_are_not_touched() -> None:
    shown = []
    with customer_data(["Ada"]):
        other = threading.Thread(target=lambda: shown.append(cleaned("Ada")))
        other.start()
        other.join()
    assert shown == ["Ada"]


def test_an_error_that_left_the_block_is_still_cleaned() -> None:
    with pytest.raises(ValueError, match="Ada") as caught, customer_data(["Ada"]):
        raise ValueError("no street for Ada")
    outer = RuntimeError("order stopped")
    outer.__cause__ = caught.value
    assert Redactor().clean("no street for Ada", outer) == f"no street for {MARK}"


def test_what_an_error_remembers_is_not_stored_with_it() -> None:
    with pytest.raises(ValueError, match="bad") as caught, customer_data(["Zebedee"]):
        raise ValueError("bad")
    assert b"zebedee" not in pickle.dumps(caught.value).lower()


def test_marks_of_an_earlier_cleaning_stay_whole() -> None:
    with customer_data(["redact", "acted"]):
        once = cleaned("password=zzz for redact")
        assert once == f"password={MARK} for {MARK}"
        assert cleaned(once) == once


def test_a_customer_named_like_a_field_does_not_shield_a_secret() -> None:
    with customer_data(["word"]):
        assert "hunter2" not in cleaned("password=hunter2")


def test_a_text_that_cannot_be_shown_raises_nothing() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("Ada")

    assert cleaned(Broken()) == f"{MARK} (not cleaned: RuntimeError)"


def test_lone_surrogates_raise_nothing() -> None:
    with customer_data(["Ad\ud800a"]):
        assert cleaned("x Ad\ud800a y") == f"x {MARK} y"


@pytest.mark.parametrize("unit", ["a", "a ", 'password="', "Key (a)=(", "12 N EXAMPLE ", "://", "\\", "a'", "é\\u00e9"])
def test_a_line_of_a_megabyte_is_cut(unit: str) -> None:
    with customer_data(ADA):
        assert len(cleaned(unit * (1_000_000 // len(unit)))) < 2 * LINE_LIMIT


@pytest.mark.parametrize("before_the_cut", range(1, len(KEY)))
def test_the_cut_leaves_no_half_of_a_secret(before_the_cut: int) -> None:
    text = "." * (LINE_LIMIT - before_the_cut) + KEY + "." * LINE_LIMIT
    assert cleaned(text).strip(".") == f"{MARK} [cut]"


# --- whatever the customer is called ---

quietly = settings(deadline=None, max_examples=60)  # a busy machine is no failure
_anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
_value = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=3, max_size=60)
    .map(str.strip)
    .filter(lambda value: len(value) >= 3 and value.lower() not in ("none", "null") and value not in MARK)
)


@pytest.mark.long
@quietly
@given(value=_value, before=_anything, after=_anything)
def test_no_value_survives_in_any_surroundings(value: str, before: str, after: str) -> None:
    with customer_data([value]):
        assert has_its_own_marks_only(cleaned(before + value + after), value)


@pytest.mark.long
@quietly
@given(values=st.lists(_value, min_size=2, max_size=4), between=_anything)
def test_no_value_of_several_survives(values: list[str], between: str) -> None:
    with customer_data(values):
        shown = cleaned(between.join(values))
    assert all(has_its_own_marks_only(shown, value) for value in values)


@pytest.mark.long
@quietly
@given(value=_value, before=_anything, after=_anything)
def test_no_escaped_value_survives(value: str, before: str, after: str) -> None:
    forms = [json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value), repr(value)[1:-1], value.upper()]
    with customer_data([value]):
        for form in forms:
            shown = cleaned(before + form + after)
            assert has_its_own_marks_only(shown, form) or len(form.strip()) < 3 or form in MARK, form


@quietly
@given(secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=40), text=_anything)
def test_no_secret_survives_raw_or_inside_base64(secret: str, text: str) -> None:
    redactor = Redactor([secret])
    if secret not in MARK and "://" not in secret:
        assert has_its_own_marks_only(redactor.clean(text + secret + text), secret)
    if len(secret) >= 8 and "://" not in secret:
        inside = base64.b64encode(f"user:{secret}".encode()).decode()
        assert inside not in redactor.clean(f"sent {inside} there")


@quietly
@given(text=st.text(max_size=300))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = cleaned(text)
    assert cleaned(once) == once


ALPHABET = st.text(alphabet="aKk1 0-_'\"/\\.,@%\u00e9\u017f\u212a", max_size=12)


@pytest.mark.long
@settings(quietly, max_examples=150)
@given(st.lists(ALPHABET, max_size=3), st.sampled_from((*_ENCODERS, "(406) {}".format)), ALPHABET, ALPHABET)
def test_a_value_without_a_trace_in_the_text_is_not_in_it(
    values: list[str], encode: Callable[[str], str], before: str, after: str
) -> None:
    text = before + "".join(encode(value) for value in values) + after
    pattern = customer_pattern(values)

    assert Values(values).found(text) == ([match.span() for match in pattern.finditer(text)] if pattern else [])


def test_digits_leave_their_trace_however_they_are_grouped() -> None:
    with customer_data(["4065550143", "84101-0001"]):
        assert cleaned("called (406) 555.01-43 from 84101 0001") == f"called ({MARK} from {MARK}"
