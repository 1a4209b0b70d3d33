"""What a serving process does besides serving: it executes orders and keeps the schedule, or stands by to."""

from collections.abc import Callable, Mapping
from typing import Any

from app import notices
from app.digest import preview_requests, run_starts
from app.digest import workflow as digests
from app.durable.dispatching import Queue
from app.durable.engine import Executor, attempt
from app.provisioning import intake
from app.provisioning.causes.cause_facts import cause_facts
from app.provisioning.contract_files import contract_for_mail
from app.provisioning.order_facts import STEPS_TOLD, order_facts
from app.provisioning.workflow import workflows as order_workflows
from app.running.schedule import Schedule
from app.services import Services

MAIL_AT_A_TIME = 2
POLLING_SECONDS = 30.0
"""The pause between two looks at a queue whose bell did not ring: the last resort."""

ABOUT_ORDERS = notices.AboutOrders(STEPS_TOLD, order_facts, contract_for_mail, cause_facts)


class Background:
    """The executor and the schedule of one process.

    What this process enqueues begins at once, and so does what others enqueue where they can tell it (`listening`);
    otherwise the schedule's next look sees it (`glance`).
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._schedule = Schedule(services)
        at_powercode = services.settings.powercode_concurrency
        self._executor = Executor(
            services.database,
            services.work_queue,
            workflows(services),
            {
                "utopia": Queue(intake.AT_UTOPIA, ("order",), POLLING_SECONDS, ahead=intake.AT_UTOPIA // 2),
                "powercode": Queue(
                    at_powercode, ("account",), POLLING_SECONDS, self._schedule.start_more, ahead=at_powercode // 2
                ),
                notices.QUEUE: Queue(MAIL_AT_A_TIME, ("notice",), POLLING_SECONDS),
                run_starts.QUEUE: Queue(1, ("digest", preview_requests.WORKFLOW), POLLING_SECONDS),
            },
            name=services.settings.executor_id,
            while_running=self._schedule.while_running,
        )

    def start(self) -> None:
        """Begin to execute, or to stand by while another process does."""
        self._executor.start()

    def stop(self) -> None:
        """Let running steps end and give the work to another process."""
        self._executor.stop()

    @property
    def executing(self) -> bool:
        """Whether this process is the one that executes."""
        return self._executor.executing.is_set()

    @property
    def executor_state(self) -> str:
        """`running`, `standby` (another process executes, or this one is about to), `stopped`, or what is wrong."""
        if not self._executor.alive:
            return "stopped"
        if not self.executing:
            return "standby"
        standstill = self._services.work_queue.standstill
        if standstill is not None and standstill.ended is None:
            return f"work stands still ({standstill.workflows}), see the log"
        return "running"

    @property
    def scheduler_state(self) -> str:
        """`running`, `standby` where another process keeps the schedule, or `stopped`."""
        if self._schedule.running:
            return "running"
        return "stopped" if self.executing else self.executor_state


def workflows(services: Services) -> Mapping[str, Callable[..., Any]]:
    """All durable workflows by name."""

    def notice(notice_id: int, run: int) -> str:
        return attempt(notices.deliver, services, ABOUT_ORDERS, notice_id, run)

    def digest(run_id: int, attempt: int) -> None:
        digests.digest(services, run_id, attempt)

    def digest_preview(preview_id: int) -> None:
        preview_requests.make(services, preview_id)

    return {
        **order_workflows(services),
        "notice": notice,
        "digest": digest,
        preview_requests.WORKFLOW: digest_preview,
    }
