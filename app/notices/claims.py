"""Which notice is delivered next. A workflow claims it, so that no other workflow delivers it, too.

A workflow that was started for one notice then delivers other due notices, the newest and the oldest in turn: after an
outage thousands wait, and a new notice must not wait behind them. How one notice ended is written in the commit that
claims the next.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Executable, and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from app.durable import engine
from app.models import Notice, NoticeDelivery, NoticeState, Order, System
from app.notices import records
from app.notices.mails import AboutOrders
from app.remote import breaker, retry_times
from app.services import Services
from app.storage.database import connection_of

MOST_AT_ONCE = 200
"""How many notices one workflow delivers; the next workflow goes on with the others."""

IS_DUE = and_(
    Notice.state == NoticeState.PENDING,
    Notice.claimed_by.is_(None),
    or_(Notice.next_try_at.is_(None), retry_times.due_as_of(Notice.next_try_at), Notice.waiting_for == System.MAIL),
)
"""A notice is due when no workflow has claimed it and its time has come, by `retry_times.moments`. One that waits for
the mail server is due as soon as the server answers: on PostgreSQL, the notice may have begun to wait just when all
waiting notices were made due."""

# Built once, and on the tables: each of these runs for each notice.
NOTICES, DELIVERIES = Notice.__table__, NoticeDelivery.__table__
IS_MINE = and_(NOTICES.c.state == NoticeState.PENDING, NOTICES.c.claimed_by == bindparam("worker"))
LEFT_BEHIND = select(NOTICES.c.id).where(IS_MINE).order_by(NOTICES.c.id)
MAY_BE_MINE = (
    NOTICES.c.id == bindparam("notice_id"),
    or_(IS_MINE, and_(IS_DUE, NOTICES.c.run == bindparam("number"))),
)
CLAIM = (
    update(NOTICES)  # type: ignore[arg-type]
    .where(~breaker.IS_DOWN)
    .values(claimed_by=bindparam("worker"), restarts=NOTICES.c.restarts + 1, waiting_for=None, next_try_at=None)
    .returning(NOTICES.c.id)
)
CLAIM_MINE = CLAIM.where(*MAY_BE_MINE)
CLAIM_DUE = [
    CLAIM.where(
        NOTICES.c.id
        == select(NOTICES.c.id)
        .where(IS_DUE)
        .order_by(end)
        .limit(1)
        .with_for_update(skip_locked=True)
        .correlate(None)
        .scalar_subquery()
    )
    for end in (NOTICES.c.id.desc(), NOTICES.c.id)
]
"""The newest and the oldest due notice."""
PUT_OFF = (
    update(NOTICES)  # type: ignore[arg-type]
    .where(*MAY_BE_MINE)
    .values(claimed_by=None, waiting_for=System.MAIL, next_try_at=bindparam("next_probe_at"))
)
PUT_DOWN = update(NOTICES).where(NOTICES.c.id == bindparam("notice_id"))  # type: ignore[arg-type]
CLAIMED = (
    select(Notice, Order, breaker.IS_DOWN, DELIVERIES.c.recipient)
    .outerjoin(Order, Order.id == Notice.order_id)
    .outerjoin(DELIVERIES, and_(DELIVERIES.c.notice_id == Notice.id, DELIVERIES.c.state == "sent"))
    .where(Notice.id == bindparam("notice_id"))
)
"""A row for each recipient who has it, and one row if nobody has."""


@dataclass(frozen=True)
class Claimed:
    """A notice that is this workflow's until it is put down, its order, and who has the mail already.

    `steps` are those of the order that the mail tells of.

    The row that says so is committed before anything is sent: a claim that broke off may have reached one recipient
    more than is known.
    """

    notice: Notice
    order: Order | None
    steps: Sequence[Any]
    have_it: frozenset[str]
    utopia_is_down: bool


@dataclass(frozen=True)
class Ended:
    """How a delivery ended: the notice's new values, and what else is written with them."""

    values: Mapping[str, Any]
    beside: Callable[[Session], object] | None = None


class Claims:
    """The notice that the workflow was started for, those that it left when its process died, and then the due ones."""

    def __init__(self, services: Services, about: AboutOrders, notice_id: int, run: int) -> None:
        self._services = services
        self._steps = about.steps
        self._notice_id, self._run = notice_id, run
        self._worker = records.workflow_of(notice_id, run)
        self._left_behind: list[int] = []
        self._unwritten: Callable[[Session], None] | None = None

    def __iter__(self) -> Iterator[Claimed]:
        try:
            yield from self._one_by_one()
        finally:  # also when a claim failed: what was sent before it must not be sent again
            if self._unwritten is not None:
                self._commit(lambda _session: None)

    def _one_by_one(self) -> Iterator[Claimed]:
        for claim in self._ways():
            claimed = self._commit(claim)
            if claimed is not None:
                yield claimed
        for turn in range(MOST_AT_ONCE):
            claimed = None if engine.is_stopping() else self._commit(partial(self._due, turn % 2))
            if claimed is None:
                return
            yield claimed

    def put_down(self, notice: Notice, ended: Ended) -> None:
        """Release a claim, and say how its delivery ended; it is written before anything else is claimed."""
        values = {"notice_id": notice.id, "claimed_by": None, "restarts": 0, **ended.values}

        def write(session: Session) -> None:
            connection_of(session).execute(PUT_DOWN, values)
            if ended.beside is not None:
                ended.beside(session)

        self._unwritten = write

    def _commit(self, claim: Callable[[Session], Claimed | None]) -> Claimed | None:
        """Write how the notice before ended, and claim another; a claim alone is made again if a power cut loses it."""
        write = self._unwritten
        with self._services.database.write(repeatable=write is None) as session:
            if write is not None:
                write(session)
            claimed = claim(session)
        self._unwritten = None
        return claimed

    def _ways(self) -> Iterator[Callable[[Session], Claimed | None]]:
        yield self._first
        yield from (partial(self._mine, number) for number in self._left_behind)

    def _first(self, session: Session) -> Claimed | None:
        found = connection_of(session).scalars(LEFT_BEHIND, {"worker": self._worker})
        self._left_behind = [number for number in found if number != self._notice_id]
        return self._mine(self._notice_id, session)

    def _mine(self, notice_id: int, session: Session) -> Claimed | None:
        which = self._which(notice_id=notice_id, number=self._run)
        claimed = self._claim(session, CLAIM_MINE, which)
        if claimed is None and breaker.is_down(session, System.MAIL):
            until = {"next_probe_at": breaker.next_probe_at(session, System.MAIL)}
            if connection_of(session).execute(PUT_OFF, which | until).rowcount:
                self._services.demand.want(System.MAIL)
        return claimed

    def _due(self, end: int, session: Session) -> Claimed | None:
        """Claim the due notice at one end, which then needs no workflow of its own any more; or end this workflow."""
        claimed = self._claim(session, CLAIM_DUE[end], self._which())
        if claimed is None:
            self._services.work_queue.end(connection_of(session))
        else:
            self._services.work_queue.withdraw(connection_of(session), records.workflow_id(claimed.notice))
        return claimed

    def _which(self, **own: int) -> dict[str, Any]:
        moments = retry_times.moments(self._services.settings.retry_minutes)
        return {"worker": self._worker, "system": System.MAIL, **moments, **own}

    def _claim(self, session: Session, statement: Executable, which: Mapping[str, Any]) -> Claimed | None:
        connection = connection_of(session)
        notice_id = connection.scalar(statement, which)
        if notice_id is None:
            return None
        found = session.execute(CLAIMED, {"notice_id": notice_id, "system": System.UTOPIA}).all()
        notice, order, utopia_is_down, _ = found[0]
        steps = connection.execute(self._steps, {"order_id": order.id}).all() if order is not None else ()
        have_it = frozenset(recipient for *_, recipient in found if recipient is not None)
        return Claimed(notice, order, steps, have_it, utopia_is_down)
