"""Orders and a customer that show, in a sandbox just started, what an order can meet."""

from datetime import date, timedelta

from sandbox import Sandbox

HAPPY_ORDER = "UIA202411-001186"
NOT_READY_ORDER = "UIA202411-001187"
UNKNOWN_PLAN_ORDER = "UIA202411-001188"
CUSTOMER_EXISTS_ORDER = "UIA202411-001189"
UNKNOWN_PLAN_SERVICE = 165
"""What a person maps the unknown plan to: PowerCode has the service, and no setting names it."""


def seed_demo(sandbox: Sandbox) -> None:
    """Fill the sandbox with an order that simply works, and three others.

    The others: a new street with a contract that is not ready, a plan that nobody has mapped, and a customer who has
    an account at the address already.
    """
    utopia = sandbox.utopia
    utopia.add_order(HAPPY_ORDER)
    utopia.add_order(
        NOT_READY_ORDER,
        firstname="Ole",
        lastname="Berg",
        email="ole.berg@example.com",
        phone="4065550127",
        siteid="714912",
        address="7 NEW STREET",
        apt="4",
        plan="1 Gbps",
        contract_ready=False,
    )
    utopia.add_order(
        UNKNOWN_PLAN_ORDER,
        firstname="Iris",
        lastname="Vance",
        email="iris.vance@example.com",
        phone="4065550131",
        siteid="714533",
        address="230 W SAMPLE STREET",
        plan="10 Gbps",
    )
    utopia.add_order(
        CUSTOMER_EXISTS_ORDER,
        firstname="Grace",
        lastname="Moe",
        email="grace.moe@example.com",
        phone="4065550119",
        siteid="714204",
        address="48 OLD MILL ROAD",
    )
    sandbox.powercode.services[UNKNOWN_PLAN_SERVICE] = "10 Gbps"
    sandbox.powercode.add_customer(services=(163,), extAccountID="714204")


def a_report(today: date) -> str:
    """The weekly ticket report of made-up customers; one of its rows can't be used."""
    days = [f"{today - timedelta(days=ago):%d/%m/%Y}" for ago in (1, 2, 3)]
    rows = [
        "Firstname,Lastname,Email,Ticket,Status,Date",
        f"Ada,Lind,ada.lind@example.com,TM-20391,Closed,{days[2]}",
        f"Ada,Lind,Ada.Lind@example.com,TM-20407,Closed,{days[0]}",
        f"Ole,Berg,ole.berg@example.com,TM-20398,Closed,{days[1]}",
        f"Ole,Berg,ole.berg@example.com,TM-20411,Open,{days[0]}",
        "Grace,Moe,grace.moe@example.com,TM-20399,Closed,yesterday",
    ]
    return "\n".join(rows) + "\n"
