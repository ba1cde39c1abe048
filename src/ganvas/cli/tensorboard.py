"""TensorBoard event files beside the run's own record (``--tensorboard``)."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ganvas.errors import UsageError

if TYPE_CHECKING:
    from ganvas.training import Progress


class Board:
    """Writes each moment's terms, speed and Wasserstein estimate into RUN/tensorboard, made when there is something to say.

    Raises:
        UsageError: the package tensorboard is missing.
    """

    def __init__(self, run: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UsageError("--tensorboard needs the package tensorboard", "pip install 'ganvas[tensorboard]'") from error
        self.make, self.folder = SummaryWriter, run / "tensorboard"
        self.writer: Any = None
        self.step = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.writer is not None:
            self.writer.close()

    def see(self, progress: Progress) -> None:
        if progress.step == self.step or not progress.terms:
            return
        self.step = progress.step
        if self.writer is None:
            self.writer = self.make(str(self.folder))
        figures = {**progress.terms, "images_per_second": progress.images_per_second}
        if progress.wasserstein is not None:
            figures["wasserstein_estimate_signed"] = progress.wasserstein
        for name, value in figures.items():
            self.writer.add_scalar(name, value, progress.step)
