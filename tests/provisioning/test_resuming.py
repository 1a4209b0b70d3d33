"""What a person's resume does with an order that waits."""

import pytest

from app.provisioning.plans import plan_table
from tests.conftest import Service
from tests.provisioning.decisions_made import resume

ONE_DAY = 24 * 60
REF = "UIA202411-001186"


@pytest.mark.long
def test_a_resumed_order_tries_a_system_that_was_down_at_once_and_wakes_the_others(service: Service) -> None:
    with service.changed(retry_minutes=(ONE_DAY,)):
        service.sandbox.powercode.down()
        service.take("UIA202411-001186")
        service.take("UIA202411-001187", siteid="714912", firstname="Ole", email="ole@example.com", phone="4065550127")
        service.sandbox.powercode.up()
        resume(service, "UIA202411-001187")
        assert service.rested("UIA202411-001187", "completed")["customer_id"]
        assert service.rested("UIA202411-001186", "completed")["customer_id"]


def test_a_resumed_order_that_finds_the_system_still_down_waits_again(service: Service) -> None:
    with service.changed(retry_minutes=(ONE_DAY,)):
        service.sandbox.powercode.down()
        service.take("UIA202411-001186")
        resume(service, "UIA202411-001186")
        order = service.rested("UIA202411-001186", "waiting")
        assert "can't be reached" in order["reason"]


def remapped(service: Service, description: str, service_id: int) -> None:
    service.write(plan_table.map_plan, description, service_id)


def test_a_plan_that_powercode_refused_is_added_under_the_number_that_was_corrected_since(service: Service) -> None:
    service.sandbox.powercode.services[165] = "10 Gbps"
    remapped(service, "10 Gbps", 999)
    order = service.take(plan="10 Gbps")
    assert order["problem"] == "plan_refused"

    remapped(service, "10 Gbps", 165)
    resume(service)

    order = service.rested(REF, "completed")
    assert [(one["service_id"], one["added"]) for one in order["services"]] == [(165, True), (172, True)]
    (customer,) = service.sandbox.powercode.customers.values()
    assert [one.service_id for one in customer.services] == [165, 172]
    assert len(customer.tickets) == 1


def test_a_plan_that_is_added_already_keeps_its_number_whatever_the_table_says_by_now(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "status_code", status_code=9, message="no such category")
    service.take()
    remapped(service, "250 Mbps", 166)
    service.sandbox.powercode.fault("POST customer/tags/customer", "http", status=400, body={"Success": False})
    resume(service)
    order = service.rested(REF)
    assert order["problem"] == "tag_refused"
    resume(service)

    order = service.rested(REF, "completed")
    assert [one["service_id"] for one in order["services"]] == [163, 172]


def test_a_tag_that_powercode_refused_is_left_out_once_the_settings_name_it_no_more(service: Service) -> None:
    service.sandbox.powercode.fault("POST customer/tags/customer", "http", status=400, body={"Success": False})
    assert service.take()["problem"] == "tag_refused"

    with service.changed(pc_cust_tags=(9,)):
        resume(service)
        service.rested(REF, "completed")

    assert [step["name"] for step in service.show(REF)["steps"] if step["state"] == "done"][-2:] == [
        "tag:9",
        "complete",
    ]


def test_whoever_tries_again_and_sees_it_stop_for_the_same_reason_gets_no_second_mail(service: Service) -> None:
    service.take(plan="10 Gbps")
    for _ in range(3):
        resume(service)
        service.rested(REF, "needs_review")
    assert len(service.notices("Needs you")) == 1

    service.sandbox.powercode.services[165] = "10 Gbps"
    remapped(service, "10 Gbps", 165)
    service.sandbox.powercode.fault("createTicket", "status_code", status_code=9, message="no such category")
    resume(service)
    service.rested(REF, "needs_review")
    assert len(service.notices("Needs you")) == 2, "another reason is news"
