"""The layer itself: what is checked when it opens the store."""

from __future__ import annotations

import logging
import uuid
from typing import Any, Final, Literal

from django.db import DatabaseError, InterfaceError

from state.models import Space, StoreSetting
from state.persistence.codec import Codec
from state.persistence.database import faults
from state.persistence.database.copying import Copying
from state.persistence.database.everywhere import Everywhere
from state.persistence.database.journal import Journal
from state.persistence.database.keeping import PROOF
from state.persistence.database.listing import Listing
from state.persistence.database.statements import insert
from state.refusals import ConfigInvalid
from state.values import PersistenceConfig

logger = logging.getLogger(__name__)

#: Name of the setting that tells which line of PostgreSQL's history the epochs belong to.
_TIMELINE: Final = "timeline"


class DatabasePersistence(Journal, Listing, Everywhere, Copying):
    """Keeps states in the database that the configuration names (a Django alias)."""

    def __init__(self, config: PersistenceConfig, codec: Codec) -> None:
        """As the contract says. Also gives all spaces new epochs when PostgreSQL has gone back in time."""
        super().__init__(config, codec)
        #: "unsafe": what is committed may be lost when the machine fails.
        self.durability: Literal["safe", "unsafe"] = "safe"
        with self._call():
            self._run(self._check)

    def _check(self) -> None:
        connection = self._connection
        try:
            connection.ensure_connection()
            with self._transaction():
                self._check_key(connection)
                if not self._is_sqlite:
                    self._check_server(connection)
        except InterfaceError:
            raise
        except DatabaseError as error:
            if faults.is_missing_table(error):
                raise ConfigInvalid(
                    "The database has no tables for states; run `manage.py migrate`.",
                    fields={"connection_string": ["Its tables are missing."]},
                ) from error
            raise

    def _check_key(self, connection: Any) -> None:
        """Raises WrongKey when what is kept cannot be read."""
        row = {"name": PROOF, "value": self.codec.proof()}
        insert(connection, StoreSetting, [row], key=("name",))
        kept = (
            StoreSetting.objects.using(self.alias).values_list("value", flat=True).get(name=PROOF)
        )
        self.codec.check_proof(bytes(kept))

    def _check_server(self, connection: Any) -> None:
        """What PostgreSQL promises of commits, and whether its history is the one that we know."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
                " substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
            )
            fsync, synchronous, timeline = cursor.fetchone()
        if "off" in (fsync, synchronous):
            self.durability = "unsafe"
            logger.warning(
                "states are not durable: PostgreSQL does not write commits to disk",
                extra={"fsync": fsync, "synchronous_commit": synchronous},
            )
        self._check_timeline(connection, timeline)

    def _check_timeline(self, connection: Any, timeline: str) -> None:
        """After a promotion or a recovery to an earlier point, revisions may name what nobody has seen."""
        names = StoreSetting.objects.using(self.alias).filter(name=_TIMELINE)
        known = names.select_for_update().values_list("value", flat=True).first()
        if known is not None and bytes(known) != timeline.encode():
            logger.warning("PostgreSQL stands in another line of history; all epochs change")
            for space in Space.objects.using(self.alias).order_by("id"):
                space.epoch = uuid.uuid4().hex
                space.save(using=self.alias, update_fields=["epoch"])
        insert(
            connection,
            StoreSetting,
            [{"name": _TIMELINE, "value": timeline.encode()}],
            key=("name",),
            change=("value",),
        )
