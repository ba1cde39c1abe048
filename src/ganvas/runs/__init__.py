"""The run folder: config, records, checkpoints, the model, its export, figures of it."""

from ganvas.runs.checkpoint import Checkpoint
from ganvas.runs.model import Model, load
from ganvas.runs.provenance import provenance
from ganvas.runs.run import Run

__all__ = ["Checkpoint", "Model", "Run", "load", "provenance"]
