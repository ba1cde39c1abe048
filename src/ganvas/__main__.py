"""``python -m ganvas`` is the command ``ganvas``."""

from __future__ import annotations

import sys

from ganvas.cli import main

if __name__ == "__main__":
    sys.exit(main())
