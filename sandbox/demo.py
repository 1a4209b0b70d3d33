"""Orders and a customer that show, in a sandbox just started, what an order can meet."""

from sandbox import Sandbox

HAPPY_ORDER = "UIA202411-001186"


def seed_demo(sandbox: Sandbox) -> list[str]:
    """Fill the sandbox; returns the orderrefs, the one that simply works first.

    The others: a new street with a contract that is not ready, a plan that nobody has mapped, and a customer who has
    an account at the address already.
    """
    utopia = sandbox.utopia
    utopia.add_order(HAPPY_ORDER)
    utopia.add_order(
        "UIA202411-001187",
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
        "UIA202411-001188",
        firstname="Iris",
        lastname="Vance",
        email="iris.vance@example.com",
        phone="4065550131",
        siteid="714533",
        address="230 W SAMPLE STREET",
        plan="10 Gbps",
    )
    utopia.add_order(
        "UIA202411-001189",
        firstname="Grace",
        lastname="Moe",
        email="grace.moe@example.com",
        phone="4065550119",
        siteid="714204",
        address="48 OLD MILL ROAD",
    )
    sandbox.powercode.add_customer(services=(163,), extAccountID="714204")
    return list(utopia.orders)
