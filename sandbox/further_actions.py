"""The form API's further actions (reference: PowerCode): a customer's changes, status and equipment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.accounts import STATUSES, Customer
from sandbox.form_fields import BAD_FIELD, NOT_FOUND, Fields, RefusedError, customer_of, one_of, whole_number

if TYPE_CHECKING:
    from sandbox.powercode import PowerCode

NOT_OF_THE_ACCOUNT = frozenset({"apiKey", "action", "customerID", "equipmentID"})


def update_customer(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """Sets the given fields of a customer; the others stay."""
    customer, changes = customer_of(server, fields), _of_the_account(fields)
    if not changes:
        raise RefusedError("Nothing to change", BAD_FIELD)
    customer.fields.update(changes)
    return {"message": "Customer updated"}


def update_customer_status(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """Sets a customer's `status`, which decides whether they are billed."""
    customer = customer_of(server, fields)
    customer.status = one_of(fields, "status", *STATUSES)
    return {"message": "Customer status updated"}


def customer_forgot_password(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """Another mail with the portal's reset link."""
    customer_of(server, fields).reset_links += 1
    return {"message": "Password reset email sent"}


def read_customer_equipment(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """All of a customer's equipment."""
    equipment = customer_of(server, fields).equipment
    return {"equipment": [_shown(server, equipment_id, each) for equipment_id, each in equipment.items()]}


def create_equipment(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """Another piece of equipment, even when there is the same one already."""
    customer = customer_of(server, fields)
    equipment_id = 501 + sum(len(each.equipment) for each in server.customers.values())
    customer.equipment[equipment_id] = _of_the_account(fields)
    return {"message": "Equipment created", "equipmentID": server.on_the_wire(equipment_id)}


def read_equipment(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """One piece of equipment."""
    customer, equipment_id = _equipment_of(server, fields)
    return _shown(server, equipment_id, customer.equipment[equipment_id])


def update_equipment(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """Sets the given fields of a piece of equipment; the others stay."""
    customer, equipment_id = _equipment_of(server, fields)
    customer.equipment[equipment_id].update(_of_the_account(fields))
    return {"message": "Equipment updated"}


def delete_equipment(server: PowerCode, fields: Fields) -> dict[str, Any]:
    """Deletes a piece of equipment."""
    customer, equipment_id = _equipment_of(server, fields)
    del customer.equipment[equipment_id]
    return {"message": "Equipment deleted"}


FURTHER_ACTIONS: dict[str, Callable[[PowerCode, Fields], dict[str, Any]]] = {
    "updateCustomer": update_customer,
    "updateCustomerStatus": update_customer_status,
    "customerForgotPassword": customer_forgot_password,
    "readCustomerEquipment": read_customer_equipment,
    "createEquipment": create_equipment,
    "readEquipment": read_equipment,
    "updateEquipment": update_equipment,
    "deleteEquipment": delete_equipment,
}


def _of_the_account(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name not in NOT_OF_THE_ACCOUNT}


def _equipment_of(server: PowerCode, fields: Fields) -> tuple[Customer, int]:
    equipment_id = whole_number(fields, "equipmentID")
    for customer in server.customers.values():
        if equipment_id in customer.equipment:
            return customer, equipment_id
    raise RefusedError("Invalid equipmentID", NOT_FOUND)


def _shown(server: PowerCode, equipment_id: int, fields: Fields) -> dict[str, Any]:
    return {"equipmentID": server.on_the_wire(equipment_id), **fields}
