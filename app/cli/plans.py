"""`flask plans`: which PowerCode service each of UTOPIA's plans is sold as."""

import click

from app.cli.base import Commands, as_json, operator, ready_services, show
from app.provisioning.causes import joint_decisions
from app.provisioning.plans import plan_changes, plan_table
from config_values import LARGEST_SERVICE_ID

plans = Commands("plans", help="Which PowerCode service each plan is sold as.")


@plans.command("list")
@as_json
def list_plans(as_json: bool) -> None:
    """List the plans and their services."""
    with ready_services().database.read() as session:
        table = plan_table.plan_table(session)
    rows = [
        {"description": description, "service_id": service_id, "additional": additional}
        for additional, mapping in ((False, table.plans), (True, table.additional))
        for description, service_id in mapping.items()
    ]
    show(
        rows,
        as_json=as_json,
        in_words=lambda rows: "\n".join(
            f"{row['description']:30} {row['service_id']}{'  (every new account)' if row['additional'] else ''}"
            for row in rows
        ),
    )


@plans.command("map")
@click.argument("description")
@click.argument("service_id", type=click.IntRange(1, LARGEST_SERVICE_ID))
@click.option("--additional", is_flag=True, help="A plan that every new account gets.")
def map_plan(description: str, service_id: int, additional: bool) -> None:
    """Sell the plan DESCRIPTION as PowerCode's service SERVICE_ID from now on.

    Of the orders that stopped over the plan, one goes first. When PowerCode took the plan, the others follow.
    """
    if not description.strip():
        raise click.ClickException("The description is empty")
    if not plan_table.can_be_mapped(description):
        raise click.ClickException(f"The description is longer than {plan_table.LONGEST_DESCRIPTION} characters")
    ready = ready_services()
    with ready.database.write() as session:
        seen = plan_table.service_of(session, description, additional=additional)
        plan = plan_changes.Plan(description, additional, seen)
        joint = plan_changes.map_plan(ready, session, operator(), plan, service_id)
        count = joint_decisions.reached(session, joint) if joint else 0
    click.echo(f"{description} is sold as PowerCode service {service_id}.")
    if count:
        click.echo("1 order goes on." if count == 1 else f"One of {count} orders goes first; the others follow it.")


@plans.command("unmap")
@click.argument("description")
@click.option("--additional", is_flag=True, help="A plan that every new account gets.")
def unmap_plan(description: str, additional: bool) -> None:
    """Stop selling the plan DESCRIPTION; orders for it will need a person."""
    with ready_services().database.write() as session:
        seen = plan_table.service_of(session, description, additional=additional)
        if seen is None:
            raise click.ClickException(f"There is no plan {description}; `plans list` shows all")
        plan_changes.unmap_plan(session, operator(), plan_changes.Plan(description, additional, seen))
    click.echo(f"{description} is sold no more. As long as it stands in the settings, a start adds it again.")
