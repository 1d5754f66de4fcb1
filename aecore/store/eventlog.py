"""Turns what a training reports into rows and files, one event at a time."""

import math
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from aecore.files import pack_arrays
from aecore.messages.events import (
    Baseline,
    Checkpoint,
    EpochDone,
    Event,
    Failed,
    Finished,
    Kept,
    Progress,
    Snapshot,
    Started,
)
from aecore.schema import RunConfig
from aecore.store.artifacts import ArtifactFolder
from aecore.store.tables import ArtifactRow, EpochRow, RunRow, TickRow, UsageRow, minute_now

MAX_SNAPSHOTS = 128
TICK_SPACING = 1 / 4000  # of a run's length
UNCHANGING = ("clean", "corrupted", "shown", "labels", "indices")


def apply_event(session: Session, files: ArtifactFolder, row: RunRow, event: Event) -> list[str]:
    """Stores one event of a run.

    Args:
        session: an open transaction; the caller commits it.
        files: where artifacts are written.
        row: the run.
        event: what was reported.

    Returns:
        Files that are no longer needed once the transaction is through.

    Raises:
        StorageError: a file could not be written.
    """
    match event:
        case Started():
            row.status, row.stage = "running", "training"
            row.device, row.parameters = asdict(event.device), event.parameters
            row.train_size, row.test_size, row.total_epochs = event.train_size, event.test_size, event.total_epochs
        case Progress():
            row.position, row.stage, row.phase = event.position, event.stage, event.phase
            row.learning_rate, row.runs, row.share = event.learning_rate, event.runs, event.share
            row.held_bytes = event.held_bytes
            _account(session, row, event.device_seconds)
            if math.isfinite(event.samples_per_second):
                row.samples_per_second = event.samples_per_second
                session.merge(TickRow(run=row.id, position=_tick_position(event, row), loss=event.loss))
        case EpochDone():
            row.position, row.learning_rate = float(event.epoch), event.learning_rate
            session.merge(EpochRow(run=row.id, **asdict(event)))
        case Baseline():
            row.baseline_loss = event.loss
        case Snapshot():
            return _keep_snapshot(session, files, row, event)
        case Kept():
            return _replace(session, files, row, event.name, "npz", row.position, pack_arrays(event.arrays))
        case Checkpoint():
            steps = RunConfig.from_json(row.config).hyper.steps_per_epoch(row.train_size)
            position = event.epoch + event.step / steps
            return _replace(session, files, row, "checkpoint", "npz", position, event.data)
        case Finished():
            row.status, row.stage, row.message = event.status, "", event.message or row.message
            row.metrics = dict(event.metrics) or row.metrics
            return _replace(session, files, row, "model", "keras", row.position, event.model)
        case Failed():
            row.status, row.stage, row.message = "failed", "", event.message
    return []


def _account(session: Session, row: RunRow, seconds: float) -> None:
    """Adds the device seconds that were used since the attempt's last report to the run and to its workspace."""
    used = max(0.0, seconds - row.attempt_seconds)
    row.device_seconds += used
    row.attempt_seconds = max(seconds, row.attempt_seconds)
    if row.workspace and used:
        key = row.workspace, minute_now()
        usage = session.get(UsageRow, key) or UsageRow(workspace=key[0], minute=key[1], seconds=0.0)
        usage.seconds += used
        session.add(usage)


def artifacts_of(run: str, artifact: str) -> sa.Select[Any]:
    """A run's files of one kind, in the order of their positions."""
    return (
        sa.select(ArtifactRow)
        .where(ArtifactRow.run == run, ArtifactRow.artifact == artifact)
        .order_by(ArtifactRow.position, ArtifactRow.id)
    )


def newest(session: Session, run: str, artifact: str, position: float | None = None) -> ArtifactRow | None:
    """A run's newest file of one kind, or the newest at or before a position."""
    query = artifacts_of(run, artifact).order_by(None)
    if position is not None:
        query = query.where(ArtifactRow.position <= position + 1e-9)
    return session.scalars(query.order_by(ArtifactRow.position.desc(), ArtifactRow.id.desc())).first()


def _replace(
    session: Session, files: ArtifactFolder, row: RunRow, artifact: str, ending: str, position: float, data: bytes
):
    old = session.scalars(artifacts_of(row.id, artifact)).all()
    new = _add(session, files, row, artifact, f"{artifact}-{row.attempt}-{position:.6f}.{ending}", position, data)
    for artifact in old:
        session.delete(artifact)
    return [artifact.path for artifact in old if artifact.path != new]


def _keep_snapshot(session: Session, files: ArtifactFolder, row: RunRow, event: Snapshot) -> list[str]:
    fixed = {name: array for name, array in event.arrays.items() if name in UNCHANGING}
    changing = {name: array for name, array in event.arrays.items() if name not in UNCHANGING}
    if fixed and newest(session, row.id, "fixed") is None:
        _add(session, files, row, "fixed", "fixed.npz", 0.0, pack_arrays(fixed))
    same = session.scalars(artifacts_of(row.id, "snapshot").where(ArtifactRow.position == event.position)).all()
    name = f"snapshots/{row.attempt}-{event.position:.6f}.npz"
    new = _add(session, files, row, "snapshot", name, event.position, pack_arrays(changing))
    for artifact in same:
        session.delete(artifact)
    removed = [artifact.path for artifact in same if artifact.path != new]
    session.flush()
    kept = session.scalars(artifacts_of(row.id, "snapshot")).all()
    if len(kept) > MAX_SNAPSHOTS:  # the one that is missed least goes: most happens at the beginning
        pairs = zip(kept, kept[2:], strict=False)
        gaps = [(after.position - before.position) / (1 + after.position) for before, after in pairs]
        missed_least = kept[1 + gaps.index(min(gaps))]
        session.delete(missed_least)
        removed.append(missed_least.path)
    return removed


def _add(
    session: Session, files: ArtifactFolder, row: RunRow, artifact: str, name: str, position: float, data: bytes
) -> str:
    path = f"{row.id}/{name}"
    sha256 = files.write(path, data)
    session.add(ArtifactRow(run=row.id, artifact=artifact, position=position, path=path, size=len(data), sha256=sha256))
    return path


def _tick_position(event: Progress, row: RunRow) -> float:
    """Positions on a grid, so that a long run does not grow its curve without end."""
    grid = max(1, row.total_epochs) * TICK_SPACING
    return round(math.ceil(event.position / grid - 1e-9) * grid, 9)
