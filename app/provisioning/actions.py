"""What a person can do with an order: one row each. Pages, commands, mails and the timeline read it.

`offers` says when a row fits an order and what it will do to PowerCode; the function that a row names does it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.models import OrderState, Role


class Needs(StrEnum):
    """What a person has to give with an action."""

    NOTHING = "nothing"
    CUSTOMER = "customer"
    TICKET = "ticket"
    PLANS = "plans"
    VALUES = "values"
    NOTE = "note"
    DAY = "day"


class Question(StrEnum):
    """What an action answers, where an order asks."""

    WHO_IS_IT = "who is it"
    IS_IT_THERE = "is it there"
    WHAT_WAS_REFUSED = "what was refused"


@dataclass(frozen=True)
class Action:
    """Something that a person can do with an order.

    `code` is what an order keeps of it, `kept_as` what the history of decisions keeps and `review.resume` is told.
    `does` is the function in `app` that does it. `did` follows a person's name. `says` is what will happen,
    where that is the same for every order. `option` belongs to `orders resume`; `command` is the whole command.
    An action that does not decide only tells colleagues something; the order goes on as it would without it.
    """

    code: str
    label: str
    did: str
    does: str = "provisioning.review.resume"
    needs: Needs = Needs.NOTHING
    role: Role = Role.STAFF
    answers: Question | None = None
    kept_as: str = ""
    says: str = ""
    button: str = ""
    is_grave: bool = False
    decides: bool = True
    option: str = ""
    command: str = "orders resume {orderref}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "kept_as", self.kept_as or self.code)

    @property
    def path(self) -> str:
        """The last part of its address, below an order's page."""
        return self.code.replace("_", "-")

    def saying(self, label: str, says: str = "") -> "Action":
        """The same action, in the words of the place where it is offered."""
        return replace(self, label=label, says=says or self.says)

    def label_for(self, customer_id: str | None) -> str:
        """The label, with the customer's number where it names one."""
        return self.label.replace("{customer_id}", customer_id or "")

    def kept(self, customer_id: str | None = None) -> dict[str, Any]:
        """The action as plain JSON: an order keeps it as offered, and a mail shows it."""
        row = {"action": self.code, "label": self.label_for(customer_id)}
        return row | {"customer_id": customer_id} if customer_id else row


RESUME = Action("resume", "Try again", "went on with it")
CUSTOMER = Action(
    "customer",
    "Go on with another customer",
    "named the customer",
    needs=Needs.CUSTOMER,
    answers=Question.WHO_IS_IT,
    kept_as="customer_id",
    says="You see first who that is. Then the order's plans, the welcome ticket and any tags are added to that "
    "customer; no new account is made.",
    option="--customer-id",
)
NEW_CUSTOMER = Action(
    "new_customer",
    "It is somebody else: open a new account",
    "had a new account opened",
    answers=Question.WHO_IS_IT,
    button="Open a new account",
    is_grave=True,
    option="--new-customer",
)
IT_IS_THERE = Action(
    "it_is_there",
    "It is there: go on",
    "said that it is there",
    needs=Needs.TICKET,
    answers=Question.IS_IT_THERE,
    option="--it-is-there",
)
IT_IS_NOT_THERE = Action(
    "it_is_not_there",
    "It is not there: do it again",
    "said that it is not there",
    answers=Question.IS_IT_THERE,
    button="Send it once more",
    is_grave=True,
    option="--it-is-not-there",
)
BY_HAND = Action(
    "by_hand",
    "I did it by hand: go on",
    "did by hand what PowerCode refused",
    needs=Needs.NOTE,
    answers=Question.WHAT_WAS_REFUSED,
    button="It is done: go on",
    option="--by-hand",
    command="orders resume {orderref} --note TEXT",
)
WITHOUT_IT = Action(
    "without_it",
    "Go on without it",
    "left out what PowerCode refused",
    needs=Needs.NOTE,
    answers=Question.WHAT_WAS_REFUSED,
    is_grave=True,
    option="--without-it",
    command="orders resume {orderref} --note TEXT",
)
MAP_PLANS = Action(
    "map_plans",
    "Say what it is sold as, and go on",
    "said what its plans are sold as",
    does="provisioning.plan_decisions.map_plans",
    needs=Needs.PLANS,
    says="You see first what that bills, and to how many. One order goes on; once PowerCode took its plan, all others "
    "that wait for it follow by themselves.",
    command="plans map {plan} SERVICE",
)
CORRECT = Action(
    "correct",
    "Correct what UTOPIA's contract says",
    "corrected the contract",
    does="provisioning.corrections.correct",
    needs=Needs.VALUES,
    says="You see UTOPIA's values and write what is right instead; then the order starts over with yours.",
    command="",
)
DISMISS = Action(
    "dismiss",
    "Close the order, with a note",
    "closed it",
    does="provisioning.review.dismiss",
    needs=Needs.NOTE,
    button="Close the order",
    is_grave=True,
    command="orders dismiss {orderref} --note TEXT",
)
SUBMIT = Action(
    "submit",
    "Take it in by hand",
    "took it in by hand",
    does="provisioning.corrections.submit",
    command="orders submit {orderref}",
)

FORGET = Action(
    "forget",
    "Erase its personal data",
    "erased its personal data",
    does="safekeeping.order_erasure.forget",
    role=Role.ADMINISTRATOR,
    is_grave=True,
    command="orders forget {orderref}",
)

NOTE = Action(
    "note",
    "Add a note",
    "wrote a note",
    does="provisioning.teamwork.note",
    needs=Needs.NOTE,
    decides=False,
    button="Add the note",
    command="",
)

ON_IT = Action("on_it", "I'm on it", "is on it", does="provisioning.teamwork.take", decides=False, command="")
TAKE_OVER = Action(
    "take_over", "Take it over", "took it over", does="provisioning.teamwork.take", decides=False, command=""
)
LET_GO = Action("let_go", "Let it go", "let it go", does="provisioning.teamwork.let_go", decides=False, command="")

PUT_OFF = Action(
    "put_off",
    "Put off until a day",
    "put it off",
    does="provisioning.teamwork.put_off",
    needs=Needs.DAY,
    decides=False,
    button="Put off until this day",
    command="",
)
BRING_BACK = Action(
    "bring_back",
    "Bring it back now",
    "brought it back",
    does="provisioning.teamwork.bring_back",
    decides=False,
    command="",
)

ACTIONS: Mapping[str, Action] = {
    action.code: action
    for action in (
        RESUME,
        CUSTOMER,
        NEW_CUSTOMER,
        IT_IS_THERE,
        IT_IS_NOT_THERE,
        BY_HAND,
        WITHOUT_IT,
        MAP_PLANS,
        CORRECT,
        DISMISS,
        SUBMIT,
        FORGET,
        NOTE,
        ON_IT,
        TAKE_OVER,
        LET_GO,
        PUT_OFF,
        BRING_BACK,
    )
}
"""By the code that an order keeps."""
ANSWERS: Sequence[Action] = [action for action in ACTIONS.values() if action.option]
"""What `orders resume` and `review.resume` are told, one at a time."""
TOLD_ONLY: Sequence[str] = [action.kept_as for action in ACTIONS.values() if not action.decides]
"""What the history of decisions keeps besides decisions."""


def told(decision: Mapping[str, object]) -> Action:
    """The action that `review.resume` was told; `RESUME` when it was told none."""
    return next((action for action in ANSWERS if action.kept_as in decision), RESUME)


# The same in other words

TRY_NOW = RESUME.saying(
    "Try now", "It is tried at once, instead of at its next time. It waits on by itself if that fails."
)
ASK_UTOPIA_AGAIN = RESUME.saying("Ask UTOPIA again", "UTOPIA is asked for this order once more, from the beginning.")
CORRECT_NUMBER = MAP_PLANS.saying("Correct the plan's number, for all orders that it stops")
TAKE_UP_AGAIN = RESUME.saying("Take it up again")
THIS_CUSTOMER = CUSTOMER.saying("It is customer {customer_id}: go on with it")
ADD_TO_THIS_CUSTOMER = CUSTOMER.saying("Add it to customer {customer_id}")
MADE_BY_HAND = CUSTOMER.saying("Made by hand in PowerCode: go on with that customer")
NOBODY_LIKE_IT = NEW_CUSTOMER.saying("Nobody like it is in PowerCode: open a new account")
SECOND_ACCOUNT = NEW_CUSTOMER.saying("Open a second account all the same")

OFFERED: Mapping[str, Sequence[Action]] = {
    OrderState.WAITING: (TRY_NOW, DISMISS),
    OrderState.EXISTS: (ADD_TO_THIS_CUSTOMER, CUSTOMER, SECOND_ACCOUNT, DISMISS),
    OrderState.NOT_OURS: (ASK_UTOPIA_AGAIN,),
    OrderState.DISMISSED: (TAKE_UP_AGAIN,),
}
"""The actions by state, where the state alone decides; for an order that needs a person, `problems` has them."""
