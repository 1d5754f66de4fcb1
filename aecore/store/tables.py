"""Tables of the store (SQLAlchemy 2); any database that SQLAlchemy speaks to will do."""

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def now() -> datetime:
    """The present moment in UTC, without a zone, as databases without zones keep it."""
    return datetime.now(UTC).replace(tzinfo=None)


def minute_now() -> int:
    """The present minute, counted from 1970."""
    return int(time.time() // 60)


class Base(DeclarativeBase):
    """Base of all tables."""


class RunRow(Base):
    """A run: its configuration, where it stands, and its figures."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    variant: Mapped[str] = mapped_column(String(64))
    dataset: Mapped[str] = mapped_column(String(64))
    config: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(String(1000), default="")
    attempt: Mapped[int] = mapped_column(default=0)
    reported: Mapped[int] = mapped_column(default=0, server_default="0")
    continued: Mapped[int] = mapped_column(default=0, server_default="0")
    continued_from: Mapped[float] = mapped_column(default=-1.0, server_default="-1")
    owner: Mapped[str] = mapped_column(String(200), default="")
    workspace: Mapped[str] = mapped_column(String(64), default="", server_default="")
    created: Mapped[datetime] = mapped_column(DateTime, default=now)
    updated: Mapped[datetime] = mapped_column(DateTime, default=now, onupdate=now)
    position: Mapped[float] = mapped_column(default=0.0)
    stage: Mapped[str] = mapped_column(String(64), default="")
    phase: Mapped[str] = mapped_column(String(64), default="")
    total_epochs: Mapped[int] = mapped_column(default=0)
    learning_rate: Mapped[float] = mapped_column(default=0.0)
    asked_learning_rate: Mapped[float | None] = mapped_column(default=None)
    samples_per_second: Mapped[float] = mapped_column(default=0.0)
    runs: Mapped[int] = mapped_column(default=1, server_default="1")
    share: Mapped[float] = mapped_column(default=1.0, server_default="1")
    device_seconds: Mapped[float] = mapped_column(default=0.0, server_default="0")
    held_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    attempt_seconds: Mapped[float] = mapped_column(default=0.0, server_default="0")
    device: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    parameters: Mapped[int] = mapped_column(default=0)
    train_size: Mapped[int] = mapped_column(default=0)
    test_size: Mapped[int] = mapped_column(default=0)
    baseline_loss: Mapped[float | None] = mapped_column(default=None)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class CommandRow(Base):
    """Something that an attempt at a run is to be told by whichever program follows it."""

    __tablename__ = "commands"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    command: Mapped[dict[str, Any]] = mapped_column(JSON)


class ShareRow(Base):
    """A name under which a run can be read by whoever knows it."""

    __tablename__ = "shares"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    run: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))


class WorkspaceRow(Base):
    """A visitor's workspace, and when it was used last."""

    __tablename__ = "workspaces"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen: Mapped[datetime] = mapped_column(DateTime, default=now)


class UsageRow(Base):
    """Device seconds of a workspace in one minute."""

    __tablename__ = "usage"

    workspace: Mapped[str] = mapped_column(String(64), primary_key=True)
    minute: Mapped[int] = mapped_column(primary_key=True)
    seconds: Mapped[float] = mapped_column(default=0.0)


class EpochRow(Base):
    """An epoch's losses and speed."""

    __tablename__ = "epochs"

    run: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    phase: Mapped[str] = mapped_column(String(64))
    loss: Mapped[float]
    val_loss: Mapped[float]
    seconds: Mapped[float]
    samples_per_second: Mapped[float]
    learning_rate: Mapped[float]
    parts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class TickRow(Base):
    """The training loss within an epoch."""

    __tablename__ = "ticks"

    run: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[float] = mapped_column(primary_key=True)
    loss: Mapped[float]


class ArtifactRow(Base):
    """A file that belongs to a run."""

    __tablename__ = "artifacts"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    artifact: Mapped[str] = mapped_column("kind", String(16))
    position: Mapped[float]
    path: Mapped[str] = mapped_column(String(300))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))

    __table_args__ = (Index("artifacts_of_a_run", "run", "kind", "position"),)
