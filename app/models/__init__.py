"""Tables, states and unique keys. No queries, no I/O."""

from app.models.aftercare import CallbackMessage, Case, CustomerStatus, CustomerWrite, MissingOrder, Reconciliation
from app.models.alerts import Alert, KnownCertificate
from app.models.backups import LastBackup
from app.models.base import Base, UtcDateTime, now
from app.models.causes import JointDecision, OnIt, PlanTrial, PutOff, ToldCause
from app.models.digests import (
    DigestMessage,
    DigestPreview,
    DigestRun,
    DigestSetAside,
    DigestWindow,
    ReportedTicket,
    ScheduleMark,
)
from app.models.moves import DatabaseMove
from app.models.orders import (
    HELD_BACK,
    Callback,
    Notice,
    NoticeDelivery,
    Order,
    OrderDecision,
    OrderExchange,
    OrderSearch,
    OrderStep,
    PlanSeen,
    RemoteSystem,
    ServicePlanMapping,
)
from app.models.outgoing import Outgoing
from app.models.people import AuditEntry, FailedSignIn, Passkey, SignIn, TicketTextVersion, User
from app.models.pruning import LastPruning
from app.models.states import (
    ACTIVE_STATES,
    AT_WORK,
    FIRST_ORDER,
    STANDING,
    SYSTEM_NAMES,
    AlertKind,
    Billing,
    CallbackOutcome,
    EventKind,
    MessageRule,
    MessageState,
    NoticeKind,
    NoticeState,
    OrderState,
    OutgoingState,
    PreviewState,
    Role,
    RouterSeen,
    RunState,
    StepState,
    System,
)
