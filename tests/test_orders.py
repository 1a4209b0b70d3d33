"""An order becomes an account: the whole way, over real HTTP and SMTP."""

from tests.conftest import Service


def test_an_order_becomes_an_account_with_its_plans_ticket_tags_and_notice(service: Service) -> None:
    order = service.take(plan="1 Gbps", contract_ready=True)

    assert order["state"] == "completed"
    (customer,) = service.sandbox.powercode.customers.values()
    assert customer.company_name == "Ada Lind"
    assert [(plan.service_id, plan.quantity) for plan in customer.services] == [(164, 1), (172, 1)]
    assert customer.tags == [5, 9]
    (ticket,) = customer.tickets
    assert "Ada" in ticket.fields["description"]
    (mail,) = service.notices()
    assert "Account created" in mail["Subject"]
    assert "contract-UIA202411-001186.pdf" in mail.attachments
    assert sum(service.sandbox.utopia.call_counts.values()) + sum(service.sandbox.powercode.call_counts.values()) == 10
