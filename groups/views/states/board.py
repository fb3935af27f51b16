"""The table of connections and states, as its page shows it: which rows and columns, and a cell for each pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from groups.forms.sync import BoardForm, Cell
from groups.views.refusals import sentence
from groups.views.states.places import Place
from state import conf
from state.sync import matrix
from state.sync.filters import filter_of
from state.sync.sessions import SILENT
from state.sync.tasks.making import may_lead
from state.values import (
    AgentConnection,
    ConnectionStatus,
    ConnectionType,
    Filters,
    SharedState,
    StateLag,
    SyncStatus,
)
from state.values.sync import LIVE

#: Rows and columns on one page.
PAGE: Final = 50
#: As pages of this site call themselves (`static/js/sync/socket.js`).
DASHBOARD: Final = "dashboard"
#: Why sockets were closed for good, as the protocol words it (docs/sync-protocol.md).
FAULTS: Final[dict[str, Any]] = {
    "not_authenticated": _("It is no longer signed in."),
    "not_a_member": _("The agent is no longer a member of the group."),
    "space_not_found": _("Whoever stands behind it has no access to this space any more."),
    "level_too_low": _("Whoever stands behind it may not act for agents any more."),
    "superseded": _("Another connection of the same name has taken its place."),
}


@dataclass(frozen=True)
class Row:
    """A connection with its cells."""

    connection: AgentConnection
    cells: list[Cell]
    can_end: bool
    #: What tells it from others of the same agent and name; "" where there are none.
    tag: str = ""

    @property
    def error(self) -> str:
        """Why it failed, in the page's language."""
        if not self.connection.error:
            return ""
        if self.connection.error in FAULTS:
            return str(FAULTS[self.connection.error])
        return sentence(self.connection.error)

    @property
    def status(self) -> ConnectionStatus:
        """As `status_of` says."""
        return status_of(self.connection)

    @property
    def is_here(self) -> bool:
        """As `is_here` of the module says."""
        return is_here(self.connection)

    @property
    def is_live(self) -> bool:
        """Whether it is there, or comes back by itself."""
        return self.connection.status in LIVE

    @property
    def missing(self) -> int:
        """Revisions between what it has confirmed and where the space stands."""
        return max(0, self.connection.head - self.connection.acked)

    @property
    def late(self) -> list[Cell]:
        """States of this page that it has not got, worst first."""
        behind = [each for each in self.cells if each.behind]
        return sorted(behind, key=lambda each: (-each.behind, each.state))


@dataclass(frozen=True)
class Counts:
    """What the page says first."""

    connected: int
    away: int
    parked: int
    failing: int
    #: Dashboard pages that the table leaves out.
    pages: int


@dataclass(frozen=True)
class Board:
    """One page of the table: who is here or fails, and beside it who is away or gone."""

    rows: list[Row]
    gone: list[Row]
    #: How many there are of these, not all of which are shown.
    n_gone: int
    #: Rows of the matrix: of who is away, an agent's last connection when it has no other.
    matrix: list[Row]
    every: Sequence[AgentConnection]
    states: Sequence[SharedState]
    counts: Counts
    #: The states' place to go on from, and the number of the next page of connections, if there is more.
    more_states: str
    next_rows: int
    sees_all: bool


def board(place: Place, form: BoardForm, *, page: int, after: str) -> Board:
    """As the (valid) form asks; `page` counts pages of connections from 0, `after` is the id to go on from."""
    asked = form.cleaned_data
    every = conf.sync_manager().list_agent_connections(place.caller, with_states=False)
    chosen = list(_chosen(every, asked["agent"], pages=asked["pages"], ended=asked["ended"]))
    ours = [each for each in chosen if is_here(each)]
    gone = sorted(
        (each for each in chosen if not is_here(each)),
        key=lambda each: each.last_heartbeat,
        reverse=True,
    )
    states = place.manager.list_states(
        place.caller, Filters(prefix=asked["state"]), limit=PAGE, after=after
    )
    here = [each.id for each in ours[page * PAGE : (page + 1) * PAGE]]
    ids = [each.id for each in states.states]
    found = matrix.of(place.manager, place.caller, [*here, *(each.id for each in gone[:PAGE])], ids)
    twins = Counter((each.agent, each.name) for each in found)
    rows = {each.id: _row(place, each, ids, twins) for each in found}
    shown = [rows[each] for each in here if each in rows]
    return Board(
        rows=shown,
        gone=[rows[each.id] for each in gone if each.id in rows],
        n_gone=len(gone),
        matrix=[*shown, *(_last_of(rows, ours, gone) if not page else ())],
        every=every,
        states=states.states,
        counts=_counts(every),
        more_states=states.next,
        next_rows=page + 1 if len(ours) > (page + 1) * PAGE else 0,
        sees_all=may_lead(place.caller),
    )


def is_here(connection: AgentConnection) -> bool:
    """Whether it is there, or is a webhook that somebody has to look after."""
    status = status_of(connection)
    if connection.address:
        return status is not ConnectionStatus.DISCONNECTED
    return status in (ConnectionStatus.CONNECTED, ConnectionStatus.CONNECTING)


def _last_of(
    rows: Mapping[str, Row], here: Iterable[AgentConnection], gone: Iterable[AgentConnection]
) -> Iterator[Row]:
    """Of agents that are only away, the connection that was heard last (`gone` begins with it)."""
    seen = {each.agent for each in here}
    for each in gone:
        if each.agent not in seen and each.id in rows:
            seen.add(each.agent)
            yield rows[each.id]


def status_of(connection: AgentConnection) -> ConnectionStatus:
    """How it stands now: a socket that missed two heartbeats is away, whether or not a sweep has said so already."""
    silent = datetime.now(UTC) - connection.last_heartbeat > SILENT
    has_socket = not connection.address and connection.connection_type is not ConnectionType.PULL
    if connection.status is ConnectionStatus.CONNECTED and has_socket and silent:
        return ConnectionStatus.RECONNECTING
    return connection.status


def is_page(connection: AgentConnection) -> bool:
    """Whether it is somebody's browser that looks at states."""
    return connection.name == DASHBOARD and connection.agent.startswith("human:")


def _chosen(
    every: Iterable[AgentConnection], words: str, *, pages: bool, ended: bool
) -> Iterator[AgentConnection]:
    wanted = words.casefold()
    for each in every:
        if is_page(each) and not pages:
            continue
        if each.status is ConnectionStatus.DISCONNECTED and not ended:
            continue
        if wanted in f"{each.agent} {each.name}".casefold():
            yield each


def _row(
    place: Place,
    connection: AgentConnection,
    ids: Sequence[str],
    twins: Mapping[tuple[str, str], int],
) -> Row:
    lags = {each.state_id: each for each in connection.states}
    wanted = filter_of(connection.subscribed_states)
    caller = place.caller
    leads = may_lead(caller) and not caller.read_only
    live = connection.status in LIVE or connection.address != ""
    cells = [_cell(connection, each, lags.get(each), wanted.matches(each)) for each in ids]
    can_end = (
        live
        and connection.status is not ConnectionStatus.DISCONNECTED
        and (leads or connection.agent == caller.name)
    )
    alone = twins[connection.agent, connection.name] < 2
    tag = "" if alone else connection.id.removeprefix("s_")[:5]
    return Row(connection, cells, can_end, tag)


def _cell(connection: AgentConnection, state: str, lag: StateLag | None, wanted: bool) -> Cell:
    if lag is None:
        return Cell(state, "hidden" if wanted else "none")
    match lag.status:
        case SyncStatus.PENDING:
            kind = "parked" if connection.parked else "behind"
        case SyncStatus.SYNCING if (
            connection.connection_type is ConnectionType.PULL
            or status_of(connection) is ConnectionStatus.RECONNECTING
        ):
            kind = "behind"
        case other:
            kind = other.value
    return Cell(state, kind, lag.behind)


def _counts(every: Sequence[AgentConnection]) -> Counts:
    agents = [each for each in every if not is_page(each)]
    statuses = [status_of(each) for each in agents]
    return Counts(
        connected=statuses.count(ConnectionStatus.CONNECTED),
        away=statuses.count(ConnectionStatus.RECONNECTING),
        parked=sum(each.parked for each in agents),
        failing=statuses.count(ConnectionStatus.ERROR),
        pages=sum(is_page(each) and each.status in LIVE for each in every),
    )
