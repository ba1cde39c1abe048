"""The worked examples of the thesis talk: each trains at the talk's own iterations and draws its figure.

Nothing heavy is imported before an example runs, so that the command line can list them at once.
"""

from __future__ import annotations

from ganvas.examples.registry import EXAMPLES, Example, Result

__all__ = ["EXAMPLES", "Example", "Result"]
