"""An installation as it is after years: groups, members, messages, runs and their events, in any number.

    STARS_DATA_DIR=/tmp/full python -m bench.fill --groups 1000 --runs 10000 --events 1000000

writes into the migrated database that DATABASE_URL or STARS_DATA_DIR name; best an empty one.
"""

from __future__ import annotations

import argparse
import os


def main() -> None:
    """Write as many as the command line says, and tell how long each part took."""
    wanted = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name, number in (("groups", 1000), ("runs", 10_000), ("events", 1_000_000)):
        wanted.add_argument(f"--{name}", type=int, default=number)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stars_site.settings")
    import django

    django.setup()
    from bench.filling import fill

    fill(**vars(wanted.parse_args()))


if __name__ == "__main__":
    main()
