"""The database behind a store: opened, brought up to date, and written in transactions."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event as sa_event
from sqlalchemy import schema as sa_schema
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from aecore.errors import StorageError, StoreBusy
from aecore.store.tables import Base


class Database:
    """Any database that SQLAlchemy knows, with this program's tables in it.

    Args:
        url: its SQLAlchemy URL; the file of an SQLite database is made where there is none.

    Raises:
        StorageError: it cannot be opened.
    """

    def __init__(self, url: str):
        try:
            parsed = sa.make_url(url)
            sqlite = parsed.get_backend_name() == "sqlite"
            if sqlite and parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(parsed, connect_args={"timeout": 30} if sqlite else {})
            if sqlite:
                sa_event.listen(self._engine, "connect", _set_up_sqlite)
            Base.metadata.create_all(self._engine)
            self._add_new_columns()
        except (SQLAlchemyError, OSError, ModuleNotFoundError, ValueError) as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise StorageError(f"The store {_without_password(url)} cannot be opened: {reason}.") from None
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose changes are kept together, or not at all.

        Raises:
            StorageError: the database could not be read or written.
        """
        try:
            with self._sessions.begin() as session:
                yield session
        except DBAPIError as error:
            if "locked" in str(error.orig):
                raise StoreBusy("Another program keeps the store to itself; try again in a moment.") from None
            raise StorageError(f"The store cannot be read or written ({error.orig}); nothing was changed.") from None

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def _add_new_columns(self) -> None:
        """Adds the columns that a store of an older version lacks, with their default values."""
        there = sa.inspect(self._engine)
        for table in Base.metadata.sorted_tables:
            known = {column["name"] for column in there.get_columns(table.name)}
            for column in [column for column in table.columns if column.name not in known]:
                definition = sa_schema.CreateColumn(column).compile(self._engine)
                with contextlib.suppress(DBAPIError), self._engine.begin() as connection:  # another process was faster
                    connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))


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
