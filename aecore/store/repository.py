"""Writes what runs report and reads it back. The one writer of the database and of the artifact folder."""

import copy
import logging
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from aecore.errors import AecoreError, BadInput, StorageError
from aecore.messages.events import Command, Device, EpochDone, Report
from aecore.messages.jobs import Job
from aecore.schema import ACTIVE, RunConfig
from aecore.store.arrays import read_arrays
from aecore.store.artifacts import ArtifactFolder
from aecore.store.database import Database
from aecore.store.eventlog import apply_event, artifacts_of, newest
from aecore.store.ownership import is_gone, this_process
from aecore.store.tables import (
    ArtifactRow,
    CommandRow,
    EpochRow,
    RunRow,
    ShareRow,
    TickRow,
    UsageRow,
    WorkspaceRow,
    minute_now,
    now,
)
from aecore.store.views import SHARED, Asked, Curve, RunView, SnapshotView, Usage

log = logging.getLogger(__name__)
MAX_TICKS = 600


class Repository:
    """The runs of one database and one artifact folder.

    One of a workspace (see `of`) knows the runs of that workspace alone: all others are to it as if they did not exist.
    A run that its owner has shared can be read under the name of the share.

    Args:
        database_url: any SQLAlchemy URL.
        folder: where the runs' files lie.

    Attributes:
        workspace: whose runs; None for all.

    Raises:
        StorageError: the database cannot be opened.
    """

    def __init__(self, database_url: str, folder: Path):
        self.artifacts = ArtifactFolder(folder)
        self.owner = this_process()
        self.workspace: str | None = None
        self._database = Database(database_url)

    def of(self, workspace: str) -> "Repository":
        """The same store as one workspace sees it."""
        scoped = copy.copy(self)
        scoped.workspace = workspace
        return scoped

    def close(self) -> None:
        """Closes the connections."""
        self._database.close()

    def create(self, config: RunConfig) -> str:
        """Stores a new run and returns its name."""
        name = f"{config.variant}-{secrets.token_hex(3)}"
        with self._database.transaction() as session:
            session.add(
                RunRow(
                    id=name, variant=config.variant, dataset=config.dataset, config=config.to_json(),
                    workspace=self.workspace or "", status="stopped", total_epochs=config.hyper.total_epochs,
                    learning_rate=config.hyper.learning_rate,
                )
            )  # fmt: skip
        return name

    def run(self, name: str) -> RunView:
        """A run as it stands.

        Raises:
            BadInput: there is none of that name.
        """
        with self._database.transaction() as session:
            return _view(self._readable(session, name), name)

    def runs(self) -> list[RunView]:
        """All runs, the newest first."""
        with self._database.transaction() as session:
            rows = session.scalars(self._mine(sa.select(RunRow)).order_by(RunRow.created.desc(), RunRow.id)).all()
            return [_view(row, row.id) for row in rows]

    def active_runs(self) -> list[RunView]:
        """Those that are being trained, or wait for it."""
        with self._database.transaction() as session:
            rows = session.scalars(self._mine(sa.select(RunRow).where(RunRow.status.in_(ACTIVE)))).all()
            return [_view(row, row.id) for row in rows]

    def begin_attempt(self, name: str, config: RunConfig, until: int | None = None, by_itself: bool = False) -> Job:
        """Claims a run for this process and cuts its log back to the last checkpoint.

        Args:
            name: the run.
            config: its configuration from now on.
            until: pause after this epoch, or None.
            by_itself: whether it goes on without being asked; see `may_go_on`.

        Returns:
            What a worker needs to go on from the last checkpoint.

        Raises:
            BadInput: the run is already active.
            StorageError: the checkpoint is gone or damaged.
        """
        with self._database.transaction() as session:
            row = self._row(session, name)
            stored = newest(session, name, "checkpoint")
            data = self.artifacts.read(stored.path, stored.sha256) if stored else None
            attempt = row.attempt + 1
            done = stored.position if stored else 0.0
            again = (row.continued + 1, done) if by_itself else (0, -1.0)
            claimed = session.execute(
                sa.update(RunRow)
                .where(RunRow.id == name, RunRow.attempt < attempt, RunRow.status.not_in(ACTIVE))
                .values(
                    attempt=attempt, reported=0, status="queued", message="", stage="", owner=self.owner,
                    config=config.to_json(), total_epochs=config.hyper.total_epochs, samples_per_second=0.0,
                    position=done, attempt_seconds=0.0, continued=again[0], continued_from=again[1],
                )
            )  # fmt: skip
            if cast(Any, claimed).rowcount != 1:
                raise BadInput(f"The run {name} is already being trained.")
            session.execute(sa.delete(CommandRow).where(CommandRow.run == name))
            session.execute(sa.delete(EpochRow).where(EpochRow.run == name, EpochRow.epoch > done + 1e-9))
            session.execute(sa.delete(TickRow).where(TickRow.run == name, TickRow.position > done + 1e-9))
            stale = session.scalars(
                sa.select(ArtifactRow).where(
                    ArtifactRow.run == name, ArtifactRow.artifact == "snapshot", ArtifactRow.position > done + 1e-9
                )
            ).all()
            for artifact in stale:
                session.delete(artifact)
            job = Job(name, attempt, config.to_json(), data, until, row.asked_learning_rate, workspace=row.workspace)
        for artifact in stale:
            self.artifacts.remove(artifact.path)
        return job

    def apply(self, name: str, attempt: int, reports: Sequence[Report]) -> bool:
        """Stores what an attempt reported; what was stored before is left out.

        An event that nobody can store is left out as well, and the run's message says so.

        Returns:
            Whether the attempt is still the run's present one; a stale one changes nothing.

        Raises:
            StorageError: something could not be written; then nothing of it is stored.
        """
        try:
            return self._apply(name, attempt, reports)
        except (AecoreError, SQLAlchemyError):
            raise
        except Exception:
            if len(reports) > 1:  # the others are stored one by one
                return all(self.apply(name, attempt, [report]) for report in reports)
            event = type(reports[0].event).__name__
            log.exception("An event of the run %s cannot be stored: %s", name, event)
            reason = f"A part of what this run reported ({event}) could not be stored; see the log."
            return self._apply(name, attempt, reports, reason)

    def _apply(self, name: str, attempt: int, reports: Iterable[Report], refused: str = "") -> bool:
        """Stores events in one transaction, or in their place the reason why they are refused."""
        removed: list[str] = []
        with self._database.transaction() as session:
            row = self._row(session, name)
            if row.attempt != attempt:
                return False
            for number, event in reports:
                if number <= row.reported:
                    continue
                row.reported = number
                if refused:
                    row.message = refused
                else:
                    removed += apply_event(session, self.artifacts, row, event)
                session.flush()  # what was reported together may replace each other
        for path in removed:
            self.artifacts.remove(path)
        return True

    def ask(self, name: str, command: Command) -> None:
        """Notes a command for an active run; whichever program follows it passes it on.

        Raises:
            BadInput: the run is not active.
        """
        with self._database.transaction() as session:
            row = self._row(session, name)
            if row.status not in ACTIVE:
                raise BadInput(f"The run {name} is not being trained: it is {row.status}.")
            session.add(CommandRow(run=row.id, attempt=row.attempt, command=asdict(command)))

    def asked(self, names: Collection[str]) -> list[Asked]:
        """The commands for these runs that were not passed on yet, in their order."""
        with self._database.transaction() as session:
            rows = session.scalars(sa.select(CommandRow).where(CommandRow.run.in_(names)).order_by(CommandRow.id)).all()
            return [Asked(row.id, row.run, row.attempt, Command(**row.command)) for row in rows]

    def passed_on(self, asked: Iterable[Asked]) -> None:
        """Forgets commands that have been passed on."""
        with self._database.transaction() as session:
            session.execute(sa.delete(CommandRow).where(CommandRow.id.in_([one.id for one in asked])))

    def end(self, name: str, attempt: int, status: str, message: str) -> None:
        """Ends an attempt that could not end itself."""
        with self._database.transaction() as session:
            row = self._row(session, name)
            if row.attempt == attempt and row.status in ACTIVE:
                row.status, row.message, row.stage = status, message, ""

    def note(self, name: str, message: str) -> None:
        """Notes what a visitor should know about a run that has ended."""
        with self._database.transaction() as session:
            self._row(session, name).message = message

    def ask_learning_rate(self, name: str, learning_rate: float) -> None:
        """Notes the base learning rate that was last asked for; it holds from the next step on."""
        with self._database.transaction() as session:
            self._row(session, name).asked_learning_rate = learning_rate

    def continued(self, name: str) -> int:
        """How often a run has gone on by itself; -1 where it was lost twice at one place, and should not again."""
        with self._database.transaction() as session:
            row, stored = self._row(session, name), newest(session, name, "checkpoint")
            return -1 if row.continued and row.continued_from == (stored.position if stored else 0.0) else row.continued

    def adopt(self, name: str, attempt: int) -> tuple[Job, int] | None:
        """Claims an active attempt whose program is gone.

        Returns:
            The job, without what it began from, and the number of the last event that was stored; None where another
            program was faster.
        """
        with self._database.transaction() as session:
            row = self._row(session, name)
            if row.attempt != attempt or not is_gone(row.owner):
                return None
            claimed = session.execute(
                sa.update(RunRow)
                .where(RunRow.id == name, RunRow.status.in_(ACTIVE), RunRow.owner == row.owner)
                .values(owner=self.owner)
            )
            if cast(Any, claimed).rowcount != 1:
                return None
            return Job(name, attempt, row.config, workspace=row.workspace), row.reported

    def reported(self, name: str) -> int:
        """Number of the last event of a run's present attempt that was stored."""
        with self._database.transaction() as session:
            return self._row(session, name).reported

    def release(self, name: str, attempt: int) -> None:
        """Leaves an active attempt to whichever program finds it."""
        with self._database.transaction() as session:
            row = self._row(session, name)
            if row.attempt == attempt and row.status in ACTIVE:
                row.owner = ""

    def orphans(self) -> list[RunView]:
        """Active runs whose process on this host is gone."""
        with self._database.transaction() as session:
            rows = session.scalars(sa.select(RunRow).where(RunRow.status.in_(ACTIVE))).all()
            return [_view(row, row.id) for row in rows if is_gone(row.owner)]

    def curve(self, name: str) -> Curve:
        """The losses of a run."""
        with self._database.transaction() as session:
            name = self._readable(session, name).id
            rows = session.scalars(sa.select(EpochRow).where(EpochRow.run == name).order_by(EpochRow.epoch)).all()
            ticks = session.execute(
                sa.select(TickRow.position, TickRow.loss).where(TickRow.run == name).order_by(TickRow.position)
            ).all()
            every = -(-len(ticks) // MAX_TICKS) or 1
            epochs = tuple(
                EpochDone(
                    row.epoch, row.phase, row.loss, row.val_loss, row.seconds, row.samples_per_second,
                    row.learning_rate, row.parts,
                )
                for row in rows
            )  # fmt: skip
            return Curve(epochs, tuple((float(p), float(loss)) for p, loss in ticks[::every]))

    def snapshot(self, name: str, position: float | None = None) -> SnapshotView | None:
        """The newest snapshot at or before a position, with what never changes; None where there is none yet."""
        try:
            return self._read_snapshot(name, position)
        except StorageError:  # a newer one may have taken its place between the look-up and the reading
            return self._read_snapshot(name, position)

    def _read_snapshot(self, name: str, position: float | None) -> SnapshotView | None:
        with self._database.transaction() as session:
            name = self._readable(session, name).id
            fixed = newest(session, name, "fixed")
            changing = newest(session, name, "snapshot", position)
        if fixed is None or changing is None:
            return None
        arrays = read_arrays(self.artifacts.read(fixed.path, fixed.sha256))
        return SnapshotView(
            changing.position, arrays | read_arrays(self.artifacts.read(changing.path, changing.sha256))
        )

    def snapshot_positions(self, name: str) -> list[float]:
        """When snapshots were taken, in epochs."""
        with self._database.transaction() as session:
            name = self._readable(session, name).id
            return list(session.scalars(artifacts_of(name, "snapshot").with_only_columns(ArtifactRow.position)))

    def checkpoint_epoch(self, name: str) -> float:
        """Position of the checkpoint from which the run would go on; 0 where there is none."""
        with self._database.transaction() as session:
            name = self._readable(session, name).id
            stored = newest(session, name, "checkpoint")
            return stored.position if stored else 0.0

    def kept(self, name: str, what: str) -> dict[str, np.ndarray]:
        """Arrays that a run keeps under a name; see `aecore.messages.events.Kept`. Empty where there are none.

        Raises:
            StorageError: they are gone or damaged.
        """
        with self._database.transaction() as session:
            name = self._readable(session, name).id
            stored = newest(session, name, what)
        return read_arrays(self.artifacts.read(stored.path, stored.sha256)) if stored else {}

    def weights_stamp(self, name: str) -> str:
        """Names the weights of a run's newest checkpoint; "" where there is none yet."""
        with self._database.transaction() as session:
            name = self._readable(session, name).id
            stored = newest(session, name, "checkpoint")
            return stored.sha256 if stored else ""

    def weights(self, name: str) -> tuple[str, list[np.ndarray]]:
        """The values of the model's variables in a run's newest checkpoint, and their version.

        Raises:
            BadInput: there is none yet.
            StorageError: it is gone or damaged.
        """
        try:
            return self._read_weights(name)
        except StorageError:  # a newer one may have taken its place between the look-up and the reading
            return self._read_weights(name)

    def _read_weights(self, name: str) -> tuple[str, list[np.ndarray]]:
        with self._database.transaction() as session:
            run = self._readable(session, name).id
            stored = newest(session, run, "checkpoint")
        if stored is None:
            raise BadInput(f"The run {name} has no weights yet: they are kept from its first seconds on.")
        arrays = read_arrays(self.artifacts.read(stored.path, stored.sha256))
        count = sum(key.startswith("model/") for key in arrays)
        return stored.sha256, [arrays[f"model/{k}"] for k in range(count)]

    def model(self, name: str) -> bytes:
        """The Keras file of a run that was paused, stopped or finished.

        Raises:
            BadInput: there is none yet.
            StorageError: it is gone or damaged.
        """
        with self._database.transaction() as session:
            name = self._readable(session, name).id
            stored = newest(session, name, "model")
        if stored is None:
            raise BadInput(f"The run {name} has no model file yet: pause, stop or finish it first.")
        return self.artifacts.read(stored.path, stored.sha256)

    # Workspaces

    def share(self, name: str) -> str:
        """A name under which anyone can read a run, the same until `unshare`."""
        with self._database.transaction() as session:
            row = self._row(session, name)
            share = session.scalars(sa.select(ShareRow).where(ShareRow.run == row.id)).first()
            if share is None:
                share = ShareRow(name=SHARED + secrets.token_urlsafe(16), run=row.id)
                session.add(share)
            return share.name

    def shared_as(self, name: str) -> str:
        """The name under which a run is shared; "" where it is not."""
        with self._database.transaction() as session:
            share = session.scalars(sa.select(ShareRow).where(ShareRow.run == self._readable(session, name).id)).first()
            return share.name if share else ""

    def unshare(self, name: str) -> None:
        """Takes the name back under which a run is shared."""
        with self._database.transaction() as session:
            session.execute(sa.delete(ShareRow).where(ShareRow.run == self._row(session, name).id))

    def seen(self) -> None:
        """Notes that the workspace is in use."""
        with self._database.transaction() as session:
            session.merge(WorkspaceRow(name=self.workspace, seen=now()))

    def usage(self) -> Usage:
        """What the workspace's runs take."""
        with self._database.transaction() as session:
            runs = self._mine(sa.select(RunRow.id))
            stored = session.execute(
                sa.select(sa.func.coalesce(sa.func.sum(ArtifactRow.size), 0)).where(ArtifactRow.run.in_(runs))
            ).scalar_one()
            seconds = _hour_seconds(session, self.workspace or "")
            active = self._mine(sa.select(sa.func.count()).select_from(RunRow)).where(RunRow.status.in_(ACTIVE))
            count = self._mine(sa.select(sa.func.count()).select_from(RunRow))
            return Usage(
                session.execute(count).scalar_one(), session.execute(active).scalar_one(), int(stored), seconds
            )

    def device_seconds(self, name: str) -> tuple[float, float]:
        """Seconds of the device that a run has used in all, and those that its workspace has used in the past hour."""
        with self._database.transaction() as session:
            row = self._readable(session, name)
            return row.device_seconds, _hour_seconds(session, row.workspace)

    def remove(self, name: str) -> None:
        """Deletes a run with everything that it has.

        Raises:
            BadInput: there is none of that name, or it is active.
        """
        with self._database.transaction() as session:
            row = self._row(session, name)
            if row.status in ACTIVE:
                raise BadInput(f"The run {name} is still being trained: stop it first.")
            paths = list(session.scalars(sa.select(ArtifactRow.path).where(ArtifactRow.run == row.id)))
            session.execute(sa.delete(RunRow).where(RunRow.id == row.id))  # what belongs to it goes with it
        for path in paths:
            self.artifacts.remove(path)

    def unused_since(self, moment: datetime) -> list[str]:
        """Workspaces that were seen last before a moment, and have no active run."""
        with self._database.transaction() as session:
            old = session.scalars(sa.select(WorkspaceRow.name).where(WorkspaceRow.seen < moment)).all()
            busy = set(session.scalars(sa.select(RunRow.workspace).where(RunRow.status.in_(ACTIVE))))
            return [name for name in old if name not in busy]

    def forget_workspace(self) -> None:
        """Deletes the runs of the workspace, and that there was one."""
        for run in self.runs():
            self.remove(run.id)
        with self._database.transaction() as session:
            session.execute(sa.delete(UsageRow).where(UsageRow.workspace == self.workspace))
            session.execute(sa.delete(WorkspaceRow).where(WorkspaceRow.name == self.workspace))

    # Inside

    def _mine(self, query: Any) -> Any:
        return query if self.workspace is None else query.where(RunRow.workspace == self.workspace)

    def _row(self, session: Session, name: str) -> RunRow:
        """A run that may be changed.

        Raises:
            BadInput: there is none of that name, or it is somebody else's, and shared.
        """
        row = self._readable(session, name)
        if row.id != name:
            raise BadInput("A shared run is read-only: train a new run with its settings instead.")
        return row

    def _readable(self, session: Session, name: str) -> RunRow:
        """A run that may be looked at: of this workspace, or under the name by which it is shared.

        Raises:
            BadInput: there is none of that name.
        """
        share = session.get(ShareRow, name) if name.startswith(SHARED) else None
        row = session.get(RunRow, share.run if share else name)
        if row is None or (share is None and self.workspace not in (None, row.workspace)):
            gone = " its owner may have taken the link back." if name.startswith(SHARED) else ""
            raise BadInput({"run": f"There is no run '{name}'" + (f":{gone}" if gone else ".")})
        return row


def _hour_seconds(session: Session, workspace: str) -> float:
    used = sa.select(sa.func.coalesce(sa.func.sum(UsageRow.seconds), 0.0))
    past_hour = used.where(UsageRow.workspace == workspace, UsageRow.minute > minute_now() - 60)
    return float(session.execute(past_hour).scalar_one())


def _view(row: RunRow, name: str) -> RunView:
    return RunView(
        id=name,
        config=RunConfig.from_json(row.config),
        status=row.status,  # type: ignore[arg-type]
        message=row.message,
        attempt=row.attempt,
        created=row.created,
        updated=row.updated,
        position=row.position,
        stage=row.stage,
        phase=row.phase,
        total_epochs=row.total_epochs,
        learning_rate=row.learning_rate,
        samples_per_second=row.samples_per_second,
        device=Device(**row.device) if row.device else None,
        parameters=row.parameters,
        train_size=row.train_size,
        test_size=row.test_size,
        baseline_loss=row.baseline_loss,
        metrics=row.metrics,
        runs=row.runs,
        share=row.share,
        device_seconds=row.device_seconds,
        held_bytes=row.held_bytes,
    )
