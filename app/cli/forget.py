"""`flask orders forget` and `flask digest forget`: erase a person's data."""

from collections.abc import Iterable
from typing import Any

import click
from flask.cli import with_appcontext

from app.cli.base import as_it_is_written, as_json, operator, ready_services, show
from app.safekeeping import deleted_rows, order_erasure
from app.services import Services

WORDS = {
    "exchanges": "what was sent and answered",
    "notices": "mails to staff",
    "steps": "steps",
    "callbacks": "bodies of callbacks",
    "decisions": "notes",
    "changes": "changes by hand",
}
STAYS = "Backups made until now still have it; so do PowerCode, UTOPIA and the mailboxes of your staff."

yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command("forget")
@click.argument("orderref")
@click.option("--digest", is_flag=True, help="Also what the weekly digest keeps of the order's mail address.")
@yes
@as_json
@with_appcontext
def forget(orderref: str, digest: bool, yes: bool, as_json: bool) -> None:
    """Erase the personal data of a finished order. Its reference, state, dates and PowerCode numbers stay."""
    ready = ready_services()
    orderref = as_it_is_written(ready, orderref)
    if not yes:
        click.confirm(f"Erase the personal data of {orderref}? It can't be brought back", abort=True, err=True)
    done, words = order_erasure.forget(ready, orderref, operator(), digest=digest)
    result = {**vars(done), **_remnants(ready, words)}
    show(result, as_json=as_json, in_words=_in_words)
    _fail_with_remnants(result)


@click.command("forget")
@click.argument("address")
@yes
@as_json
@with_appcontext
def forget_address(address: str, yes: bool, as_json: bool) -> None:
    """Erase what the digest keeps of a customer's mail ADDRESS. Which tickets were told stays, without to whom."""
    ready = ready_services()
    if "@" not in address:
        raise click.ClickException("That is no mail address")
    if not yes:
        click.confirm("Erase what the digest keeps of this address? It can't be brought back", abort=True, err=True)
    done, elsewhere = order_erasure.forget_address(ready, address)
    orders = {"orders_that_name_the_address": elsewhere.orderrefs}
    result = {**vars(done), **orders, **_remnants(ready, {address} if not elsewhere.words else set())}
    show(result, as_json=as_json, in_words=_address_in_words)
    _fail_with_remnants(result)


def _remnants(ready: Services, words: Iterable[str]) -> dict[str, Any]:
    return {
        "none_left_in_the_file": deleted_rows.remove(ready.database, words),
        "kept_by_restores": [str(file) for file in deleted_rows.kept_files(ready.database)],
    }


def _fail_with_remnants(result: dict[str, Any]) -> None:
    if not result["none_left_in_the_file"]:
        raise click.ClickException(
            "The rows are erased, but the database's file may still have old copies of them: the disk is full, or "
            "another program reads it. Run the command again, with the service stopped if need be"
        )


def _in_words(result: dict[str, Any]) -> str:
    lines = [f"{result['orderref']}: {_erased_in_words(result['erased'])}"]
    unsent, others = result["mails_that_had_not_gone_out"], result["other_orders_that_name_the_person"]
    lines += [f"{unsent} mails about it had not gone out, and won't."] if unsent else []
    lines += [f"The same name, phone number or mail address is in the order {other}, too." for other in others]
    if result["digest"]:
        lines += _digest_in_words(vars(result["digest"]))
    elif result["digest_messages_left"]:
        count = result["digest_messages_left"]
        lines.append(f"The weekly digest keeps {count} messages to the address: utopia-handler digest forget ADDRESS")
    lines += [f"{file} was kept by a restore, and has it still: delete it" for file in result["kept_by_restores"]]
    return "\n".join([*lines, STAYS])


def _address_in_words(result: dict[str, Any]) -> str:
    orders = [f"The order {orderref} names the address, too." for orderref in result["orders_that_name_the_address"]]
    return "\n".join([*_digest_in_words(result), *orders, STAYS])


def _erased_in_words(erased: dict[str, int]) -> str:
    if not any(erased.values()):
        return "there is nothing left to erase."
    counted = [f"{erased[name]} {words}" for name, words in WORDS.items() if erased[name]]
    details = ["the contract and the account"] if erased["details"] else []
    return f"erased: {', '.join([*details, *counted])}."


def _digest_in_words(done: dict[str, Any]) -> list[str]:
    lines = [f"Digest: erased in {done['messages']} messages and {done['rows_set_aside']} rows that were set aside."]
    if done["kept_for_now"]:
        lines.append(
            f"{done['kept_for_now']} messages stay for now: of this week, so that no second one follows, or not "
            "settled yet. Run digest forget for the address next week."
        )
    return lines
