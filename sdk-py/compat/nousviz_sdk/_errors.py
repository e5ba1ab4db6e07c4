"""Why there is no credential. The two are siblings, as in the original."""

from __future__ import annotations


class CredentialBrokerUnavailable(RuntimeError):
    """Nobody can be asked: there is no cell around this, or the host cannot answer now."""


class CredentialBrokerError(RuntimeError):
    """It was refused: it is another app's, or the host's limits do not allow it."""
