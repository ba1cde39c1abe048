"""Data: where it comes from, what it holds, and the stream of batches that training reads."""

from ganvas.data.batches import Images, Pairs, Spec, TwoDomains
from ganvas.data.cache import cache_dir, offline
from ganvas.data.check import Finding, Report, check
from ganvas.data.dataset import ArrayData, Data, Stream
from ganvas.data.faces import faces
from ganvas.data.folder import folder
from ganvas.data.hugging_face import hugging_face
from ganvas.data.listing import Skipped
from ganvas.data.mnist import fashion_mnist, mnist
from ganvas.data.points import Points, points
from ganvas.data.shards import web_dataset
from ganvas.data.sources import SOURCES, SourceInfo, open_source
from ganvas.data.stacked import StackedDigits, stacked_mnist
from ganvas.data.translation import PairData, TwoDomainData

__all__ = [
    "SOURCES",
    "ArrayData",
    "Data",
    "Finding",
    "Images",
    "PairData",
    "Pairs",
    "Points",
    "Report",
    "Skipped",
    "SourceInfo",
    "Spec",
    "StackedDigits",
    "Stream",
    "TwoDomainData",
    "TwoDomains",
    "cache_dir",
    "check",
    "faces",
    "fashion_mnist",
    "folder",
    "hugging_face",
    "mnist",
    "offline",
    "open_source",
    "points",
    "stacked_mnist",
    "web_dataset",
]
