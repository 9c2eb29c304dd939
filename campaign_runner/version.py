"""The version of this program, as manifests and `--version` name it."""

__version__ = "0.1.0"
