"""``python -m hasten``: the same as the command ``hasten``."""

import sys

from hasten.cli import main

if __name__ == "__main__":
    sys.exit(main())
