"""Data: where it comes from, what it holds, and the stream of batches that training reads."""

from ganvas.data.batches import Images, Pairs, Spec, TwoDomains
from ganvas.data.cache import cache_dir, offline
from ganvas.data.dataset import ArrayData, Data, Stream
from ganvas.data.mnist import fashion_mnist, mnist
from ganvas.data.points import Points, points

__all__ = [
    "ArrayData",
    "Data",
    "Images",
    "Pairs",
    "Points",
    "Spec",
    "Stream",
    "TwoDomains",
    "cache_dir",
    "fashion_mnist",
    "mnist",
    "offline",
    "points",
]
