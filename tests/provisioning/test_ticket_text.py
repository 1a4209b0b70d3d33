from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.provisioning.applicants import Applicant
from app.provisioning.ticket_text import MAX_CHARACTERS, PLACEHOLDERS, check_template, render, values_of
from app.wording.placeholders import Fault, TemplateFault, fill, read_template

SHIPPED = Path(__file__).parents[2] / "ticket_descriptions" / "new_desc.txt"


def values(plan: str = "1 Gbps", **changes: str) -> dict[str, str]:
    applicant = {
        "first_name": "Ada",
        "last_name": "Lind",
        "email": "ada.lind@example.com",
        "phone": "4065550143",
        "street": "12 N EXAMPLE AVENUE APT 4",
        "city": "Bozeman",
        "state": "MT",
        "zip": "59715",
        "site_id": "714780",
        "terms_agreed_on": "2025-10-20",
    }
    return values_of("UIA202411-001186", "101", Applicant(**(applicant | changes)), [plan])


def lines_of(faults: Iterable[Fault]) -> list[int]:
    return [fault.line for fault in faults]


def test_every_placeholder_has_a_value_and_no_other() -> None:
    assert values().keys() == PLACEHOLDERS.keys()
    assert values()["full_address"] == "12 N EXAMPLE AVENUE APT 4, Bozeman, MT 59715"
    assert values(street="", city="", state="", zip="")["full_address"] == ""


def test_the_shipped_text_is_ready_to_send() -> None:
    template = read_template(SHIPPED)
    assert check_template(template) == []
    description = render(template, values())
    assert description.startswith("<p>Hello Ada,</p>")
    assert "12 N EXAMPLE AVENUE APT 4, Bozeman, MT 59715" in description
    assert not {"{", "}"} & set(description)


def test_every_placeholder_is_filled() -> None:
    template = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    description = render(template, values())
    assert "{" not in description
    assert all(value in description for value in values().values())


def test_a_text_of_the_old_scripts_works_as_it_is() -> None:
    template = (
        "<p>Hello {customer_name},</p>\n<p>order {order_ref}, site {site_id}: "
        "{email} {phone} {address} {city} {state} {zip}</p>"
    )
    assert check_template(template) == []
    assert render(template, values()) == (
        "<p>Hello Ada Lind,</p>\n<p>order UIA202411-001186, site 714780: "
        "ada.lind@example.com 4065550143 12 N EXAMPLE AVENUE APT 4 Bozeman MT 59715</p>"
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("FirstName", "first_name"),
        ("frist_name", "first_name"),
        ("first_nam", "first_name"),
        ("name", "full_name"),
        ("Customer Name", "full_name"),
        ("surname", "last_name"),
        ("zip_code", "zip"),
        ("order-number", "orderref"),
        ("customer_number", "customer_id"),
        ("adress", "address"),
    ],
)
def test_a_hint_names_the_placeholder_that_means_the_same(written: str, meant: str) -> None:
    (fault,) = check_template(f"Hello {{{written}}}")
    assert fault.message.endswith(f"(did you mean {{{meant}}}?)")


@pytest.mark.parametrize(
    "written",
    [
        "customer",
        "order",
        "site",
        "phone2",
        "address_2",
        "company_name",
        "nickname",
        "due_date",
        "date",
        "id",
        "plans_2",
    ],
)
def test_a_placeholder_that_only_looks_like_another_gets_no_hint(written: str) -> None:
    (fault,) = check_template(f"Hello {{{written}}}")
    assert fault.message == f"unknown placeholder {{{written}}}"


def test_a_price_such_as_5_dollars_stays_as_it_is() -> None:
    assert render("Only $5 or 5% off, {first_name}. $first_name %s", values()) == (
        "<p>Only $5 or 5% off, Ada. $first_name %s</p>"
    )


def test_a_placeholder_in_a_customers_name_is_not_filled_in() -> None:
    description = render("{first_name} {phone}", values(first_name="{phone} {{x}} {", phone="4065550143"))
    assert description == "<p>{phone} {{x}} { 4065550143</p>"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "JaVaScRiPt:alert(1)", "vbscript:x"])
def test_a_link_made_from_a_value_leads_nowhere_harmful(link: str) -> None:
    description = render('<a href="{email}">mail</a>', values(email=link))
    assert "href" not in description


def test_a_value_cannot_leave_its_attribute() -> None:
    description = render('<a href="mailto:{email}">mail</a>', values(email='x" onclick="alert(1)'))
    assert 'onclick="' not in description.replace("&quot;", "'")


@pytest.mark.parametrize("value", ["Ada\nLind", "Ada\r\n\r\nLind", "Ada\x00Lind", "Ada\u2028Lind", " Ada \t Lind "])
@pytest.mark.parametrize("escape", [True, False])
def test_a_value_is_one_line(value: str, escape: bool) -> None:
    assert fill("{first_name}!", {"first_name": value}, escape=escape) == "Ada Lind!"


def test_a_value_in_plain_text_is_not_escaped() -> None:
    assert fill("For {plan}", {"plan": "A & B <1>"}, escape=False) == "For A & B <1>"
    assert fill("For {plan}", {"plan": "A & B <1>"}, escape=True) == "For A &amp; B &lt;1&gt;"


def test_plain_text_keeps_its_lines_and_paragraphs() -> None:
    template = "Hello {first_name},\r\n\r\nfirst line\r\nsecond line & 5 < 6\r\n \r\n\r\nBye\r\n"
    assert render(template, values()) == (
        "<p>Hello Ada,</p>\n<p>first line<br>second line &amp; 5 &lt; 6</p>\n<p>Bye</p>"
    )


def test_a_text_with_tags_is_left_as_it_is_written() -> None:
    template = "<p>Hello <b>{first_name}</b></p>\n\n<p>Bye</p>"
    assert render(template, values()) == "<p>Hello <b>Ada</b></p>\n\n<p>Bye</p>"


@pytest.mark.parametrize("scheme", ["https://example.com/x", "http://example.com", "mailto:a@example.com", "tel:406"])
def test_ordinary_links_stay(scheme: str) -> None:
    assert f'href="{scheme}"' in render(f'<a href="{scheme}">here</a>', values())


@pytest.mark.parametrize(("template", "text"), [("{{ {plan} }}", "{ 1 Gbps }"), ("{{{plan}}}", "{1 Gbps}")])
def test_doubled_braces_are_braces(template: str, text: str) -> None:
    assert fill(template, {"plan": "1 Gbps"}, escape=False) == text


def test_all_faults_are_told_at_once_each_with_its_line() -> None:
    template = "Hello {frist_name}\n{plan} {nobody}\n{\n<script>x</script>\n<p onclick='x'>\n{{first_name}} }\n{}"
    faults = check_template(template)
    assert lines_of(faults) == [1, 2, 3, 4, 5, 6, 6, 7]
    messages = "\n".join(map(str, faults))
    assert "line 1: unknown placeholder {frist_name} (did you mean {first_name}?)" in messages
    assert "line 2: unknown placeholder {nobody}" in messages
    assert "line 3: a brace that is not a placeholder" in messages
    assert "<script> is not allowed" in messages
    assert "onclick is not allowed on <p>" in messages
    with pytest.raises(TemplateFault) as error:
        render(template, values())
    assert list(error.value.faults) == faults
    assert "line 2: unknown placeholder {nobody}" in str(error.value)


@pytest.mark.parametrize(
    ("template", "line", "part"),
    [
        ("", 0, "empty"),
        (" \n\n", 0, "empty"),
        ("x" * (MAX_CHARACTERS + 1), 0, "20,001 characters"),
        ("a\n{first_name", 2, "a brace that is not a placeholder: {"),
        ("first_name}", 1, "a brace that is not a placeholder: }"),
        ("{first\nname}", 1, "a brace that is not a placeholder: {"),
        ("{First_Name}", 1, "did you mean {first_name}?"),
        ("{first_name.__class__}", 1, "unknown placeholder"),
        ("{first_name!r}", 1, "unknown placeholder"),
        ("{0}", 1, "unknown placeholder {0}"),
        ("\n{{ first_name }}", 2, "two braces around a placeholder"),
        ("<p>\n<img src='x'>", 2, "<img> is not allowed"),
        ("<p style='color: red'>", 1, "style is not allowed on <p>"),
        ("\n<a href=' JavaScript:x'>a</a>", 2, "links to JavaScript: are not allowed"),
        ("<a href='java&#115;cript:x'>a</a>", 1, "links to javascript: are not allowed"),
        ("mail <office@example.com>", 1, "<office@example.com> is not allowed"),
        ("Hello\n<b", 2, "does not end"),
    ],
)
def test_a_text_that_would_not_reach_the_customer_as_written_is_a_fault(template: str, line: int, part: str) -> None:
    assert [fault.line for fault in check_template(template) if part in fault.message] == [line]


@pytest.mark.parametrize(
    "template", ["{ first_name }", "a < b, 1<2, <3", "{{}}", "<!-- note -->text", "{first_name}" * 3, "<br/>x<hr>"]
)
def test_a_usable_text_has_no_fault(template: str) -> None:
    assert check_template(template) == []


def test_a_text_that_grows_too_long_by_its_values_is_not_sent() -> None:
    with pytest.raises(TemplateFault, match="characters"):
        render("{plan}", values(plan="x" * MAX_CHARACTERS))


def test_a_placeholder_without_a_value_is_an_error_and_not_a_blank() -> None:
    with pytest.raises(TemplateFault, match=r"line 2: .*\{plan\}"):
        render("a\n{plan}", {"first_name": "Ada"})


def test_a_fault_never_shows_a_customers_values() -> None:
    with pytest.raises(TemplateFault) as error:
        fill("{first_name} {nobody}", {"first_name": "Ada"}, escape=True)
    assert "Ada" not in str(error.value)


def test_a_template_is_read_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "new_desc.txt"
    path.write_bytes("\ufeffHéllo\r\n{plan}".encode())
    assert read_template(path) == "Héllo\n{plan}"


def test_a_template_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"first\nH\xe9llo")
    for path, reason in [(tmp_path / "none.txt", "does not exist"), (tmp_path, "can't be read"), (latin, "not UTF-8")]:
        with pytest.raises(TemplateFault, match=reason) as error:
            read_template(path)
        assert path.name in str(error.value)
    assert error.value.faults == (Fault(2, f"{latin} is not UTF-8 text"),)


@given(st.text(max_size=50), st.text(max_size=50))
def test_no_value_brings_markup_or_loses_its_letters(first_name: str, plan: str) -> None:
    description = render("<b>{first_name}</b> {plan}", values(first_name=first_name, plan=plan))
    assert description.count("<") == 2
    assert description.count(">") == 2


@given(st.text("ab{}\n<>/=\"' ", max_size=30))
def test_a_template_without_faults_can_always_be_rendered(template: str) -> None:
    if check_template(template):
        with pytest.raises(TemplateFault):
            render(template, values())
    else:
        render(template, values())
