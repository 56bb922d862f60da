"""What can go wrong between the server and its store."""

from __future__ import annotations


class StoreError(Exception):
    """The store can't be used. The message is one plain sentence for the operator, without any secret."""


class TransactionLostError(StoreError):
    """The transaction was undone, surely, and through nobody's fault: it may be asked again."""


class CommitUnknownError(StoreError):
    """The connection broke while the transaction was being committed: it is there, or it is not."""


class StoreFullError(StoreError):
    """There is no room for what was to be written. The transaction was undone."""
