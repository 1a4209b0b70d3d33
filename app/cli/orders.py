"""`flask orders`: list, show, start and decide orders. Works whether the service runs or not."""

from collections.abc import Callable
from typing import Any

import click
from sqlalchemy import select

import utopia
from app.callbacks.contents import ORDERREF
from app.cli.base import PROBLEM, Commands, as_it_is_written, as_json, operator, ready_services, section, show
from app.cli.following import follow
from app.cli.forget import forget
from app.cli.joint_decisions import resume_all
from app.cli.order_list import list_orders
from app.models import FIRST_ORDER, NoticeState, Order, OrderSearch, OrderState
from app.provisioning import intake, order_json, plan_decisions, review
from app.provisioning.actions import ANSWERS, CUSTOMER, SUBMIT, Needs
from app.provisioning.offers import Offer, offers_for
from app.provisioning.problems import PROBLEMS
from app.services import Services
from app.wording.state_words import in_words

orders = Commands("orders", help="Fiber orders.")
orders.add_command(forget)
orders.add_command(list_orders)
no_wait = click.option("--no-wait", is_flag=True, help="Do not follow the order to its end.")

AT_REST = {state.value for state in OrderState} - {OrderState.RECEIVED, OrderState.RUNNING}


@orders.command("show")
@click.argument("orderref")
@as_json
def show_order(orderref: str, as_json: bool) -> None:
    """Show one order: where it stands, its steps, callbacks and notices."""
    ready = ready_services()
    show(_whole(ready, as_it_is_written(ready, orderref)), as_json=as_json, in_words=_in_words)


@orders.command("submit")
@click.argument("orderref")
@click.option("--yes", is_flag=True, help="Take it in also when UTOPIA does not know it; do not ask.")
@no_wait
@as_json
def submit(orderref: str, yes: bool, no_wait: bool, as_json: bool) -> None:
    """Take in an order by hand, as if UTOPIA had sent its callback. An order that is known stays as it is."""
    if not ORDERREF.fullmatch(orderref):
        raise click.ClickException("An order reference is 1 to 64 letters, digits and . _ : -, with a digit among them")
    ready = ready_services()
    orderref = as_it_is_written(ready, orderref)
    if not yes and _is_a_stranger(ready, orderref):
        question = f"UTOPIA has no order {orderref} for this provider. Take it in all the same?"
        click.confirm(question, abort=True, err=True)
    with ready.database.write() as session:
        started = intake.take_in(ready, session.connection(), [orderref])
        if started:
            order = session.scalars(select(Order).filter_by(orderref=orderref)).one()
            review.audit(session, order.id, operator(), SUBMIT)
    if not started:
        click.echo(f"{orderref} is known already: nothing was changed.", err=True)
    _follow(ready, orderref, no_wait=no_wait, as_json=as_json)


def _is_a_stranger(ready: Services, orderref: str) -> bool:
    """Whether neither we nor UTOPIA know the reference. False when UTOPIA doesn't answer: the order can wait for it."""
    with ready.database.read() as session:
        if session.scalar(select(Order.id).filter_by(orderref=orderref)) is not None:
            return False
    try:
        ready.utopia.contract(orderref)
    except utopia.NotOurs:
        return True
    except utopia.UtopiaError:
        pass
    return False


def _answers(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each answer that an order may ask for."""
    for action in reversed(ANSWERS):
        is_flag = action.needs is not Needs.CUSTOMER
        command = click.option(action.option, action.kept_as, is_flag=is_flag, help=f"{action.label}.")(command)
    return command


@orders.command("resume")
@click.argument("orderref", required=False)
@_answers
@click.option("--all", "of_all", is_flag=True, help="All orders that stopped for --problem.")
@click.option("--problem", type=PROBLEM, help="With --all: the problem, as `orders show` names it.")
@click.option("--note", help="What you did by hand, or why it is left out; kept with the order.")
@click.option("--plan", help="With --all: only those that stopped over this plan.")
@no_wait
@as_json
def resume(orderref: str | None, *, of_all: bool, no_wait: bool, as_json: bool, **options: Any) -> None:
    """Go on with an order that a person looked at, or with all that stopped for one reason."""
    problem, plan, note = (options.pop(name) for name in ("problem", "plan", "note"))
    given = {name: answer for name, answer in options.items() if answer}
    if len(given) > 1:
        raise click.ClickException("Give one answer only")
    needs_note = [action.option for action in ANSWERS if action.needs is Needs.NOTE and action.kept_as in given]
    if needs_note and not (note or "").strip():
        raise click.ClickException(f"{needs_note[0]} needs --note: what you did, or why")
    if not str(given.get(CUSTOMER.kept_as, "1")).isdecimal():
        raise click.ClickException("A PowerCode customer id is a number")
    if of_all:
        if orderref or given or not problem:
            raise click.ClickException("--all goes with --problem, and with neither an order nor an answer")
        resume_all(ready_services(), problem, plan, no_wait=no_wait, as_json=as_json)
        return
    if not orderref or problem or plan:
        raise click.ClickException("Name the order; or give --all with --problem, and --plan if you like")
    ready = ready_services()
    orderref = as_it_is_written(ready, orderref)
    if not given and _goes_on_by_itself(ready, orderref):
        click.echo(f"{orderref} goes on by itself already.", err=True)
        _follow(ready, orderref, no_wait=no_wait, as_json=as_json)
        return
    with ready.database.write() as session:
        plan_decisions.resume(ready, session, orderref, operator(), note=note, **given)
    _follow(ready, orderref, no_wait=no_wait, as_json=as_json)


def _goes_on_by_itself(ready: Services, orderref: str) -> bool:
    """Whether the order is at work, or follows another order with its plan, as after `plans map`."""
    with ready.database.read() as session:
        order = session.scalar(select(Order).filter_by(orderref=orderref))
        follows = order is not None and order.state == OrderState.WAITING and order.waiting_for == FIRST_ORDER
        return follows or (order is not None and order.state in (OrderState.RECEIVED, OrderState.RUNNING))


@orders.command("dismiss")
@click.argument("orderref")
@click.option("--note", required=True, help="Why; kept with the order.")
def dismiss(orderref: str, note: str) -> None:
    """Close an order that nobody will go on with."""
    if not note.strip():
        raise click.ClickException("The note is empty; say why the order is closed")
    ready = ready_services()
    orderref = as_it_is_written(ready, orderref)
    with ready.database.write() as session:
        review.dismiss(ready, session, orderref, operator(), note.strip())
    click.echo(f"{orderref} is {in_words(OrderState.DISMISSED)}.")


def _whole(ready: Services, orderref: str) -> dict[str, Any]:
    with ready.database.read() as session:
        order = session.scalar(select(Order).filter_by(orderref=orderref))
        if order is None:
            raise click.ClickException(f"There is no order {orderref}")
        offered = offers_for(session, order)
        found = session.get(OrderSearch, order.id)
        who = {name: getattr(found, name, "") for name in ("person", "address", "plan")}
        return {**order_json.whole(session, order), **who, "offers": [_offer_as_json(offer) for offer in offered]}


def _offer_as_json(offer: Offer) -> dict[str, Any]:
    return {"action": offer.action.code, "title": offer.title, "says": offer.says, "commands": list(offer.commands)}


def _follow(ready: Services, orderref: str, *, no_wait: bool, as_json: bool) -> None:
    """Show the order's steps as they end; executes them here when no service does."""
    if no_wait:
        show(
            _whole(ready, orderref),
            as_json=as_json,
            in_words=lambda order: f"{orderref} is {in_words(order['state'])}.",
        )
        return
    order = follow(ready, lambda: _whole(ready, orderref), says=_progress, rests=_rests)
    show(order, as_json=as_json, in_words=_in_words)
    if order["state"] in (OrderState.WAITING, OrderState.NEEDS_REVIEW):
        raise click.ClickException(_in_one_line(order))


def _in_one_line(order: dict[str, Any]) -> str:
    verb = "" if order["state"] == OrderState.NEEDS_REVIEW else "is "
    return f"{order['orderref']} {verb}{in_words(order['state'])}: {order['reason']}"


def _progress(order: dict[str, Any]) -> list[str]:
    return [f"{step['name']}: {in_words(step['state'])}" for step in order["steps"]]


def _rests(order: dict[str, Any]) -> bool:
    """Whether nothing is at work, and no notice is being sent; one may wait for the mail server or the contract."""
    sending = [one for one in order["notices"] if one["state"] == NoticeState.PENDING and not one["next_try_at"]]
    return order["state"] in AT_REST and not sending


def _step_in_words(step: dict[str, Any]) -> str:
    times, state = f"{step['attempts']}x" if step["attempts"] > 1 else "", in_words(step["state"])
    return f"{step['name']:18} {state:14} {times:4} {step['finished_at'] or ''}  {step['error'] or ''}".rstrip()


def _in_words(order: dict[str, Any]) -> str:
    lines = [f"{order['orderref']}: {in_words(order['state'])}"]
    who = [order[name] for name in ("person", "address", "plan") if order[name]]
    lines += [f"  {' · '.join(who)}"] if order["person"] else []
    lines += [f"  {order['reason']}"] if order["reason"] else []
    problem = PROBLEMS.get(order["problem"])
    lines += [f"  What is this? {problem.code}: docs/runbook.md#{problem.anchor}"] if problem else []
    lines += [f"  next try at {order['next_try_at']}"] if order["next_try_at"] else []
    lines += [f"  PowerCode customer {order['customer_id']}"] if order["customer_id"] else []
    lines += [f"  ticket {order['ticket_id']}"] if order["ticket_id"] else []
    lines += [f"  {remark}" for remark in order["remarks"]]
    services = [
        f"{one['description']} ({one['service_id']}): {'added' if one['added'] else 'not added'}"
        for one in order["services"]
    ]
    notices = [f"{one['kind']:18} {one['state']:8} {one['error'] or ''}".rstrip() for one in order["notices"]]
    callbacks = [f"{one['received_at']}  {one['outcome']:9} {one['msg'] or ''}" for one in order["callbacks"]]
    lines += section("Services:", services)
    lines += section("Steps:", map(_step_in_words, order["steps"]))
    lines += section("Notices:", notices)
    lines += section("Callbacks:", callbacks)
    lines += ["What you can do:"] if order["offers"] else []
    for offer in order["offers"]:
        commands = [f"utopia-handler {command}" for command in offer["commands"]]
        lines += [f"  {offer['title']}", *(f"    {how}" for how in commands or ["on the order's page in the console"])]
    return "\n".join(lines)
