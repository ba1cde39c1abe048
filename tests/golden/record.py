"""Records the golden losses of the methods named (all of them without names): python tests/golden/record.py [METHOD ...]"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from test_golden import LOSSES, METHODS, SHAKES, losses

if __name__ == "__main__":
    torch.set_num_threads(1)
    known = json.loads(LOSSES.read_text()) if LOSSES.exists() else {}
    for name in sys.argv[1:] or METHODS:
        straight, others = losses(name), [losses(name, shake) for shake in range(1, SHAKES + 1)]
        known[name] = {
            term: [float(f"{value:.9g}"), float(f"{max(abs(other[term] - value) for other in others):.2g}")]
            for term, value in straight.items()
        }
        print(name, known[name], flush=True)
    LOSSES.write_text(json.dumps({name: known[name] for name in METHODS if name in known}, indent=1) + "\n")
