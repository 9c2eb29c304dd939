"""Commands as they are typed."""

from tests.cli.conftest import ask

__all__ = ["ask"]
