"""Contracts as UTOPIA sends them: the JSON of a contract lookup and a PDF to download (reference: UTOPIA, contract)."""

from typing import Any

ABSENT = object()
"""As an override of `a_contract`: the top-level key is left out."""

CONTRACT_READY = "Ready"
CONTRACT_NOT_READY = "Not Ready"

CUSTOMER_FIELDS = {"firstname": "Ada", "lastname": "Lind", "email": "ada.lind@example.com", "phone": "4065550143"}
ADDRESS_FIELDS = {
    "siteid": "714780",
    "address": "12 N EXAMPLE AVENUE",
    "apt": "",
    "city": "Bozeman",
    "zip": "59715",
    "state": "Montana",
}
PLAN_PRICES = {"250 Mbps": ("259", "65"), "1 Gbps": ("261", "85")}


def a_contract(
    plan: str | None = "250 Mbps",
    items: list[dict[str, Any]] | None = None,
    contract_ready: bool = True,
    sp_terms_agree_date: str | None = "2025-10-20 14:03:11",
    **overrides: Any,
) -> dict[str, Any]:
    """The contract of an order, every value a string, with what `overrides` names replaced.

    `firstname lastname email phone` and `siteid address apt city zip state` go into the customer, the address and the
    billing address. `plan` is the description of the one order item; `items` are the order items instead, each merged
    over that item. Any other override replaces a top-level key as it is (`orderitems=None`, `termsagreement=ABSENT`,
    `status="Cancelled"`).
    """
    customer = {name: overrides.pop(name, value) for name, value in CUSTOMER_FIELDS.items()}
    address = {name: overrides.pop(name, value) for name, value in ADDRESS_FIELDS.items()}
    contract = {
        "status": "Signed",
        "ordersource": "webcustomer",
        "promo": "",
        "contractdownload": CONTRACT_READY if contract_ready else CONTRACT_NOT_READY,
        "customer": customer,
        "address": address,
        "billingaddress": _billing_address(customer, address),
        "orderitems": [{**an_item(plan), **item} for item in items] if items is not None else [an_item(plan)],
        "orderphoneport": [],
        "termsagreement": {"sp_terms_agree_date": sp_terms_agree_date},
        **overrides,
    }
    return {name: value for name, value in contract.items() if value is not ABSENT}


def an_item(plan: str | None = "250 Mbps") -> dict[str, Any]:
    """A monthly recurring order item of the plan."""
    pid, price = PLAN_PRICES.get(str(plan), ("299", "99"))
    return {
        "pid": pid,
        "chargetype": "mrc",
        "description": plan,
        "costper": price,
        "totalcost": price,
        "qty": "1",
    }


def contract_pdf(orderref: str, contract: dict[str, Any]) -> bytes:
    """A valid PDF of one page that names the order, the person, the address and the plans."""
    person, site = contract.get("customer") or {}, contract.get("address") or {}
    lines = [
        "Service agreement",
        f"Order {orderref}",
        f"{person.get('firstname')} {person.get('lastname')}",
        f"{site.get('address')} {site.get('apt') or ''}, {site.get('city')} {site.get('zip')}",
        *(f"{item.get('description')}" for item in contract.get("orderitems") or []),
    ]
    shown = "".join(f"({_pdf_text(line)}) Tj T*\n" for line in lines)
    page = f"BT /F1 14 Tf 20 TL 72 720 Td\n{shown}ET".encode("latin-1", "replace")
    return _pdf_file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        ]
    )


def _billing_address(customer: dict[str, Any], address: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{customer['firstname']} {customer['lastname']}",
        "phone": customer["phone"],
        **{name: value for name, value in address.items() if name != "siteid"},
    }


def _pdf_text(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").replace("\n", " ").replace("\r", " ")


def _pdf_file(objects: list[bytes]) -> bytes:
    """The objects, numbered from 1 (which is the catalog), with the table of their offsets."""
    content, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(content))
    return content + b"xref\n0 %d\n" % count + table + trailer
