"""What a person's resume does with an order that waits."""

from app.provisioning import lifecycle

ONE_DAY = 24 * 60


def test_a_resumed_order_tries_a_system_that_was_down_at_once_and_wakes_the_others(service):
    with service.changed(retry_minutes=(ONE_DAY,)):
        service.sandbox.powercode.down()
        service.take("UIA202411-001186")
        service.take("UIA202411-001187", siteid="714912", firstname="Ole", email="ole@example.com", phone="4065550127")
        service.sandbox.powercode.up()
        with service.services.database.write() as session:
            lifecycle.resume(service.services, session, "UIA202411-001187", "office")
        assert service.rested("UIA202411-001187", "completed")["customer_id"]
        assert service.rested("UIA202411-001186", "completed")["customer_id"]


def test_a_resumed_order_that_finds_the_system_still_down_waits_again(service):
    with service.changed(retry_minutes=(ONE_DAY,)):
        service.sandbox.powercode.down()
        service.take("UIA202411-001186")
        with service.services.database.write() as session:
            lifecycle.resume(service.services, session, "UIA202411-001186", "office")
        order = service.rested("UIA202411-001186", "waiting")
        assert "can't be reached" in order["reason"]
