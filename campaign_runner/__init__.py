"""Batch images from Adobe Firefly: nothing paid for twice, nothing paid for lost."""

__version__ = "0.1.0"
