"""Errors whose text is meant for a visitor: one sentence that says what was received and what to do."""


class AecoreError(Exception):
    """Base of every error whose message can be shown as it is."""


class BadInput(AecoreError):
    """A field, name or file that cannot be used.

    Attributes:
        problems: one sentence for each field at fault; the key "" is the whole configuration.
    """

    def __init__(self, problems: dict[str, str] | str):
        self.problems = {"": problems} if isinstance(problems, str) else dict(problems)
        super().__init__(" ".join(self.problems.values()))

    def __reduce__(self):
        return type(self), (self.problems,)


class DataMissing(AecoreError):
    """A dataset that is not on this machine, or whose file cannot be read."""


class StorageError(AecoreError):
    """Something could not be written to or read from the store."""


class StoreBusy(StorageError):
    """Another program keeps the store to itself; it can be tried again."""


class WorkerLost(AecoreError):
    """The worker or its scheduler went away, or could not be started."""
