"""Django's command line for this project."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the management command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stars_site.settings")
    if sys.argv[1:2] == ["up"]:
        # Read by the settings, and so to be said before they are loaded.
        os.environ.setdefault("STARS_EMBEDDED", "true")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
