"""Ganvas: train a generative adversarial network on your data, and know whether it works."""

__version__ = "0.1.0"
