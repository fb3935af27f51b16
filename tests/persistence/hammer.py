"""A process of its own that writes to a file store until it is killed, and prints each version acknowledged.

`python -m tests.persistence.hammer <directory> <how many versions>`
"""

from __future__ import annotations

import sys
from pathlib import Path

from state.persistence.file import FilePersistence
from state.values import PersistenceConfig, PersistenceType
from tests.persistence.backends import PLAIN
from tests.persistence.build import SPACE, grow


def main(directory: Path, rounds: int) -> None:
    """Bring "plan" on by one version at a time, with a checkpoint every few."""
    config = PersistenceConfig(type=PersistenceType.FILE, connection_string=str(directory))
    layer = FilePersistence(config, PLAIN)
    layer.checkpoint_frames = 7
    layer.open_space(SPACE)
    states = layer.load_states(SPACE, ["plan"])
    version = states["plan"].version if states else 0
    for until in range(version + 1, version + 1 + rounds):
        grow(layer, until=until)
        sys.stdout.write(f"{until}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
