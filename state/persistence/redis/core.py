"""What all parts of the layer share: the link, the packed parts, and how a script of a space is run."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from state.persistence.base import PersistenceLayer
from state.persistence.codec import Codec
from state.persistence.redis.link import Argument, Durability, Link
from state.persistence.redis.parts import Parts, info_of
from state.refusals import SpaceNotFound
from state.values import PersistenceConfig, PersistenceType, SpaceInfo

#: Things that one script of housekeeping touches at most, so that none runs for more than a few milliseconds.
MOST = 150


class Core(PersistenceLayer):
    """Opens Redis. Reading an unknown space finds nothing; read_log and all writing raise SpaceNotFound."""

    type: ClassVar[PersistenceType] = PersistenceType.REDIS

    def __init__(self, config: PersistenceConfig, codec: Codec) -> None:
        super().__init__(config, codec)
        self._parts = Parts(codec)
        self._chunk = min(config.batch_size, MOST)
        self._link = Link(
            config.connection_string,
            timeout=config.timeout.total_seconds(),
            connections=config.max_connections,
        )
        try:
            self._check_key()
        except BaseException:
            self._link.close()
            raise

    @property
    def durability(self) -> Durability:
        """What Redis promises of an acknowledged write: "safe" (it survives a crash), "relaxed" (the last second may
        be lost), "unsafe" (anything may be)."""
        return self._link.durability

    def close(self) -> None:
        super().close()
        self._link.close()

    # -- spaces ---------------------------------------------------------------------------------------------------

    def open_space(self, space: str) -> SpaceInfo:
        keys = (self._link.keys.space(space), self._link.keys.spaces)
        with self._call():
            args = (space, uuid.uuid4().hex, uuid.uuid4().hex)
            return info_of(self._link.run("open", keys, args, writes=True))

    def spaces(self) -> list[SpaceInfo]:
        with self._call():
            found = self._link.run("spaces", [self._link.keys.spaces])
        return sorted((info_of(each) for each in found if each[0] is not None), key=_id)

    # -- for the other parts --------------------------------------------------------------------------------------

    def _read(self, name: str, space: str, *args: Argument) -> Any:
        return self._link.run(name, [self._link.keys.space(space)], args)

    def _change(self, name: str, space: str, *args: Argument) -> Any:
        """Raises OutcomeUnknown when the connection broke under it."""
        return self._link.run(name, [self._link.keys.space(space)], args, writes=True)

    def _info(self, space: str) -> SpaceInfo:
        """Raises SpaceNotFound."""
        with self._link.translated():
            fields = ("id", "epoch", "revision", "compact_revision", "audit")
            found: Sequence[Any] = self._link.client.hmget(self._link.keys.space(space), fields)
        if found[0] is None:
            raise SpaceNotFound
        return info_of(found)

    def _check_key(self) -> None:
        """Raises WrongKey when what is kept was encrypted with a key that is not in the keyring."""
        with self._link.translated():
            client, proof = self._link.client, self._link.keys.proof
            client.set(proof, self.codec.proof(), nx=True)
            kept = client.get(proof)
        if isinstance(kept, bytes):
            self.codec.check_proof(kept)


def _id(info: SpaceInfo) -> str:
    return info.id
