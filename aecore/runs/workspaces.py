"""Workspaces that nobody has used for a while are cleared."""

import logging
import shutil
from datetime import timedelta

from aecore.errors import AecoreError
from aecore.settings import Settings
from aecore.store.repository import Repository
from aecore.store.tables import now

log = logging.getLogger(__name__)


def clear_unused(store: Repository, settings: Settings) -> None:
    """Deletes the runs and the own data of workspaces that were not used for as many days as the limits say.

    Args:
        store: of all workspaces.
        settings: where own data lies.
    """
    for name in store.unused_since(now() - timedelta(days=settings.limits.days)):
        try:
            store.of(name).forget_workspace()
            shutil.rmtree(settings.home / "workspaces" / name, ignore_errors=True)
        except AecoreError as error:  # it is tried again with the next visitor
            log.info("An old workspace could not be cleared: %s", error)
