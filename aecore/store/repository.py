"""Writes what runs report and reads it back. The one writer of the database and of the artifact folder."""

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import sqlalchemy as sa
from sqlalchemy import event as sa_event
from sqlalchemy import schema as sa_schema
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from aecore.errors import BadInput, StorageError
from aecore.messages.events import Device, EpochDone, Event
from aecore.messages.jobs import Job
from aecore.schema import ACTIVE, RunConfig
from aecore.store.arrays import read_arrays
from aecore.store.artifacts import ArtifactFolder
from aecore.store.eventlog import apply_event, artifacts_of, newest
from aecore.store.ownership import is_gone, this_process
from aecore.store.tables import ArtifactRow, Base, EpochRow, RunRow, TickRow
from aecore.store.views import Curve, RunView, SnapshotView

MAX_TICKS = 600


class Repository:
    """The runs of one database and one artifact folder.

    Args:
        database_url: any SQLAlchemy URL.
        folder: where the runs' files lie.

    Raises:
        StorageError: the database cannot be opened.
    """

    def __init__(self, database_url: str, folder: Path):
        self.artifacts = ArtifactFolder(folder)
        self.owner = this_process()
        try:
            url = sa.make_url(database_url)
            if url.get_backend_name() == "sqlite" and url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(url, connect_args=_connect_args(url))
            if url.get_backend_name() == "sqlite":
                sa_event.listen(self._engine, "connect", _set_up_sqlite)
            Base.metadata.create_all(self._engine)
            _add_new_columns(self._engine)
        except (SQLAlchemyError, OSError, ModuleNotFoundError, ValueError) as error:
            shown = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise StorageError(f"The store {_without_password(database_url)} cannot be opened: {shown}.") from None
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Session]:
        try:
            with self._sessions.begin() as session:
                yield session
        except DBAPIError as error:
            raise StorageError(f"The store cannot be read or written ({error.orig}); nothing was changed.") from None

    def create(self, config: RunConfig) -> str:
        """Stores a new run and returns its name."""
        name = f"{config.variant}-{secrets.token_hex(3)}"
        with self._transaction() as session:
            session.add(
                RunRow(
                    id=name, variant=config.variant, dataset=config.dataset, config=config.to_json(),
                    status="stopped", total_epochs=config.hyper.total_epochs,
                    learning_rate=config.hyper.learning_rate,
                )
            )  # fmt: skip
        return name

    def run(self, name: str) -> RunView:
        """A run as it stands.

        Raises:
            BadInput: there is none of that name.
        """
        with self._transaction() as session:
            return _view(self._row(session, name))

    def runs(self) -> list[RunView]:
        """All runs, the newest first."""
        with self._transaction() as session:
            rows = session.scalars(sa.select(RunRow).order_by(RunRow.created.desc(), RunRow.id)).all()
            return [_view(row) for row in rows]

    def begin_attempt(self, name: str, config: RunConfig, until: int | None = None) -> Job:
        """Claims a run for this process and cuts its log back to the last checkpoint.

        Args:
            name: the run.
            config: its configuration from now on.
            until: pause after this epoch, or None.

        Returns:
            What a worker needs to go on from the last checkpoint.

        Raises:
            BadInput: the run is already active.
            StorageError: the checkpoint is gone or damaged.
        """
        with self._transaction() as session:
            row = self._row(session, name)
            stored = newest(session, name, "checkpoint")
            data = self.artifacts.read(stored.path, stored.sha256) if stored else None
            attempt = row.attempt + 1
            claimed = session.execute(
                sa.update(RunRow)
                .where(RunRow.id == name, RunRow.attempt < attempt, RunRow.status.not_in(ACTIVE))
                .values(
                    attempt=attempt, status="queued", message="", stage="", owner=self.owner,
                    config=config.to_json(), total_epochs=config.hyper.total_epochs, samples_per_second=0.0,
                    position=stored.position if stored else 0.0,
                )
            )  # fmt: skip
            if cast(Any, claimed).rowcount != 1:
                raise BadInput(f"The run {name} is already being trained.")
            done = stored.position if stored else 0.0
            session.execute(sa.delete(EpochRow).where(EpochRow.run == name, EpochRow.epoch > done + 1e-9))
            session.execute(sa.delete(TickRow).where(TickRow.run == name, TickRow.position > done + 1e-9))
            stale = session.scalars(
                sa.select(ArtifactRow).where(
                    ArtifactRow.run == name, ArtifactRow.artifact == "snapshot", ArtifactRow.position > done + 1e-9
                )
            ).all()
            for artifact in stale:
                session.delete(artifact)
            job = Job(name, attempt, config.to_json(), data, until, row.asked_learning_rate)
        for artifact in stale:
            self.artifacts.remove(artifact.path)
        return job

    def apply(self, name: str, attempt: int, events: Iterable[Event]) -> bool:
        """Stores what an attempt reported.

        Returns:
            Whether the attempt is still the run's present one; a stale one changes nothing.

        Raises:
            StorageError: something could not be written; then nothing of it is stored.
        """
        removed: list[str] = []
        with self._transaction() as session:
            row = self._row(session, name)
            if row.attempt != attempt:
                return False
            for event in events:
                removed += apply_event(session, self.artifacts, row, event)
                session.flush()  # what was reported together may replace each other
        for path in removed:
            self.artifacts.remove(path)
        return True

    def end(self, name: str, attempt: int, status: str, message: str) -> None:
        """Ends an attempt that could not end itself."""
        with self._transaction() as session:
            row = self._row(session, name)
            if row.attempt == attempt and row.status in ACTIVE:
                row.status, row.message, row.stage = status, message, ""

    def ask_learning_rate(self, name: str, learning_rate: float) -> None:
        """Notes the base learning rate that was last asked for; it holds from the next step on."""
        with self._transaction() as session:
            self._row(session, name).asked_learning_rate = learning_rate

    def orphans(self) -> list[RunView]:
        """Active runs whose process on this host is gone."""
        with self._transaction() as session:
            rows = session.scalars(sa.select(RunRow).where(RunRow.status.in_(ACTIVE))).all()
            return [_view(row) for row in rows if is_gone(row.owner)]

    def curve(self, name: str) -> Curve:
        """The losses of a run."""
        with self._transaction() as session:
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
        with self._transaction() as session:
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
        with self._transaction() as session:
            return list(session.scalars(artifacts_of(name, "snapshot").with_only_columns(ArtifactRow.position)))

    def checkpoint_epoch(self, name: str) -> float:
        """Position of the checkpoint from which the run would go on; 0 where there is none."""
        with self._transaction() as session:
            stored = newest(session, name, "checkpoint")
            return stored.position if stored else 0.0

    def kept(self, name: str, what: str) -> dict[str, np.ndarray]:
        """Arrays that a run keeps under a name; see `aecore.messages.events.Kept`. Empty where there are none.

        Raises:
            StorageError: they are gone or damaged.
        """
        with self._transaction() as session:
            stored = newest(session, name, what)
        return read_arrays(self.artifacts.read(stored.path, stored.sha256)) if stored else {}

    def weights_stamp(self, name: str) -> str:
        """Names the weights of a run's newest checkpoint; "" where there is none yet."""
        with self._transaction() as session:
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
        with self._transaction() as session:
            self._row(session, name)
            stored = newest(session, name, "checkpoint")
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
        with self._transaction() as session:
            stored = newest(session, name, "model")
        if stored is None:
            raise BadInput(f"The run {name} has no model file yet: pause, stop or finish it first.")
        return self.artifacts.read(stored.path, stored.sha256)

    def _row(self, session: Session, name: str) -> RunRow:
        row = session.get(RunRow, name)
        if row is None:
            raise BadInput({"run": f"There is no run '{name}'."})
        return row


def _view(row: RunRow) -> RunView:
    return RunView(
        id=row.id,
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
    )


def _add_new_columns(engine: sa.Engine) -> None:
    """Adds the columns that a store of an older version lacks, with the values that they had by themselves."""
    there = sa.inspect(engine)
    for table in Base.metadata.sorted_tables:
        known = {column["name"] for column in there.get_columns(table.name)}
        for column in [column for column in table.columns if column.name not in known]:
            definition = sa_schema.CreateColumn(column).compile(engine)
            with contextlib.suppress(DBAPIError), engine.begin() as connection:  # another process may be faster
                connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))


def _connect_args(url: sa.URL) -> dict:
    return {"timeout": 30} if url.get_backend_name() == "sqlite" else {}


def _set_up_sqlite(connection, _record) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _without_password(url: str) -> str:
    try:
        return sa.make_url(url).set(query={}).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "named by AECORE_DATABASE_URL"
