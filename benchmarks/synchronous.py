"""The plain synchronous design: all that an order needs is done in the callback's own request, which is answered then.

It makes the calls that the service makes for an order (contract, two look-ups, customer, plans, ticket, tags, and the
contract's PDF), each with plain `requests`, and mails the staff before it answers 200; what fails is answered 400. It
keeps nothing, so it knows of an earlier callback only what PowerCode knows. Settings are read as the service reads
them. `serving` runs it under gunicorn with as many threads as the service has.
"""

import base64
import json
import secrets
import smtplib
from contextlib import AbstractContextManager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import requests
from flask import Flask, Response, jsonify, make_response, request

from benchmarks.running import served
from config import Settings, load_settings
from tests.tools.processes import environment_of

THREADS = 16
"""As in gunicorn.conf.py."""
TIMEOUT = (5, 30)
"""Seconds for the connection and for an answer: the service's defaults."""
USPS_CODES = {"IDAHO": "ID", "MONTANA": "MT", "UTAH": "UT"}


class Refused(Exception):
    """A system refused, or no account can be made of its answer; the text is the answer to the callback."""


def create_app(settings: Settings | None = None) -> Flask:
    """The application; without settings, with those of the environment."""
    app = Flask(__name__)
    script = Script(settings or load_settings())

    @app.get("/api-callback")
    def probe() -> str:
        return "Callbacks are taken here with POST\n"

    @app.post("/api-callback")
    def receive() -> Response:
        message = request.get_json(force=True)
        try:
            if message["msg"] == "Project New Order":
                script.order(message["orderref"])
        except (Refused, requests.RequestException, smtplib.SMTPException, OSError, KeyError, ValueError) as fault:
            return make_response(jsonify(error=f"{type(fault).__name__}"), 400)
        return jsonify(data="Information received")

    return app


class Script:
    """What a callback's request does, from the first call to the mail."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def order(self, orderref: str) -> None:
        """Make an order's account, and tell the staff. Raises `Refused`, or what `requests` and `smtplib` raise."""
        contract = self._utopia("contractlookup", orderref).json()
        if "error" in contract:
            raise Refused("UTOPIA has no such order")
        service_ids = self._services_of(contract)
        known = self._known_customer(contract)
        if known is not None:
            self._mail(f"Customer exists: {orderref}", f"PowerCode customer {known}", orderref)
            return
        customer_id = self._create_customer(orderref, contract)
        for service_id in service_ids:
            fields = {"customerID": customer_id, "serviceID": service_id, "quantity": 1, "prorateService": 0}
            self._form("addCustomerService", fields)
        ticket_id = self._create_ticket(orderref, customer_id, contract)
        for tag in self._settings.pc_cust_tags:
            self._tag(customer_id, tag)
        self._mail(f"Account created: {orderref}", f"PowerCode customer {customer_id}, ticket {ticket_id}", orderref)

    def _services_of(self, contract: dict[str, Any]) -> list[int]:
        items = [item["description"] for item in contract["orderitems"] if item["chargetype"] == "mrc"]
        additional = self._settings.additional_service_plan_mapping.values()
        return [self._settings.service_plan_mapping[description] for description in items] + list(additional)

    def _known_customer(self, contract: dict[str, Any]) -> Any:
        """The id of a customer of this name at this address; None when PowerCode has none."""
        site = self._form("readCustomer", {"extAccountID": contract["address"]["siteid"]}, refused={})
        found = []
        for term in _search_terms(contract):
            found += self._form("searchCustomers", {"searchString": term}, refused={}).get("customers", [])
        for customer in [site, *found]:
            here = (customer.get("CompanyName", "").upper(), customer.get("Address1", "").upper())
            if here == (_name(contract).upper(), contract["address"]["address"].upper()):
                return customer["CustomerID"]
        return None

    def _create_customer(self, orderref: str, contract: dict[str, Any]) -> Any:
        person, site, settings = contract["customer"], contract["address"], self._settings
        terms = contract["termsagreement"]["sp_terms_agree_date"]
        fields = {
            "firstName": person["firstname"],
            "lastName": person["lastname"],
            "emailAddress": person["email"],
            "physicalStreet": f"{site['address']} {site['apt']}".strip(),
            "physicalCity": site["city"],
            "physicalState": USPS_CODES.get(site["state"].upper(), site["state"]),
            "physicalZip": site["zip"],
            "physicalAutomaticallyGeocode": 1,
            "billingSameAsPhysical": 1,
            "taxZoneId": settings.pc_tax_zone_id,
            "invoicePreference": settings.pc_invoice_preference,
            "billDay": settings.pc_bill_day,
            "dueByDays": settings.pc_due_by_days,
            "gracePeriodDays": settings.pc_grace_period_days,
            "customerNotes": f"Order# {orderref}\nUtopia SiteID: {site['siteid']}\n"
            f"Agreed to Service Provider Terms: {terms}",
            "customerPortalUsername": person["email"],
            "customerPortalPassword": secrets.token_urlsafe(12),
            "phone": json.dumps([{"Type": "Home", "Number": person["phone"]}]),
            "extAccountID": site["siteid"],
        }
        return self._form("createCustomer", fields)["customerID"]

    def _create_ticket(self, orderref: str, customer_id: Any, contract: dict[str, Any]) -> Any:
        settings = self._settings
        fields = {
            "type": "Individual",
            "summary": settings.pc_ticket_summary,
            "category": settings.pc_ticket_category,
            "ticketType": settings.pc_ticket_type,
            "description": self._ticket_text(orderref, customer_id, contract),
            "status": 1,
            "responsibleUser": settings.pc_ticket_responsible,
            "responsibleGroupID": settings.pc_ticket_group,
            "customerViewable": 1,
            "customerID": customer_id,
        }
        return self._form("createTicket", fields)["ticketID"]

    def _ticket_text(self, orderref: str, customer_id: Any, contract: dict[str, Any]) -> str:
        person, site = contract["customer"], contract["address"]
        return self._settings.ticket_template.read_text().format(
            first_name=person["firstname"],
            phone=person["phone"],
            plan=", ".join(item["description"] for item in contract["orderitems"]),
            full_address=f"{site['address']}, {site['city']} {site['zip']}",
            orderref=orderref,
            customer_id=customer_id,
        )

    def _mail(self, subject: str, text: str, orderref: str) -> None:
        """One mail to each of the staff, with the contract when UTOPIA has it."""
        contract = self._utopia("contractdownload", orderref)
        with smtplib.SMTP(self._settings.mail_server, self._settings.mail_port, timeout=20) as server:
            for recipient in self._settings.email_recipients:
                message = EmailMessage()
                message["Subject"], message["From"], message["To"] = subject, self._settings.email_sender, recipient
                message.set_content(text)
                if contract.headers["Content-Type"].startswith("application/pdf"):
                    message.add_attachment(
                        contract.content, maintype="application", subtype="pdf", filename=f"{orderref}.pdf"
                    )
                server.send_message(message)

    def _utopia(self, call: str, orderref: str) -> requests.Response:
        url = f"{self._settings.utopia_url_endpoint}/spquery/{call}"
        body = {"apikey": self._settings.utopia_api_key.get_secret_value(), "orderref": orderref}
        response = requests.post(url, json=body, timeout=TIMEOUT)
        response.raise_for_status()
        return response

    def _form(self, action: str, fields: dict[str, Any], refused: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer's content; `refused`, when it is given, stands for a statusCode other than 0."""
        form = {"apiKey": self._settings.pc_api_key.get_secret_value(), "action": action, **fields}
        response = requests.post(self._settings.pc_url_api, data=form, timeout=TIMEOUT, verify=self._verify)
        answer: dict[str, Any] = response.json()
        if int(answer["statusCode"]) == 0:
            return answer
        if refused is None:
            raise Refused(f"PowerCode refused {action}")
        return refused

    def _tag(self, customer_id: Any, tag: int) -> None:
        key = base64.b64encode(self._settings.pc_api_key.get_secret_value().encode()).decode()
        response = requests.post(
            f"{self._settings.pc_url_uapi}/customer/tags/customer",
            params={"customerID": customer_id, "tags[]": tag},
            headers={"Authorization": f"Basic {key}"},
            timeout=TIMEOUT,
            verify=self._verify,
        )
        if not response.json()["Success"]:
            raise Refused("PowerCode refused the tag")

    @property
    def _verify(self) -> bool | str:
        trusted = self._settings.pc_verify_ssl
        return trusted if isinstance(trusted, bool) else str(trusted)


def _search_terms(contract: dict[str, Any]) -> list[str]:
    """As many searches as the service makes: by name, phone, surname and street."""
    person, street = contract["customer"], contract["address"]["address"]
    return [_name(contract), person["phone"][-4:], person["lastname"], street.split()[0]]


def _name(contract: dict[str, Any]) -> str:
    return f"{contract['customer']['firstname']} {contract['customer']['lastname']}"


def serving(settings: Settings, folder: Path) -> AbstractContextManager[tuple[int, int]]:
    """The application's port and process id, under gunicorn with one worker, as the service runs."""
    return served("benchmarks.synchronous:create_app()", THREADS, folder, environment_of(settings))
