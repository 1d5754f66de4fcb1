"""What the environment sets: where things are written, where data lies, which worker is used."""

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import platformdirs

from aecore.errors import BadInput

LEAST_IDLE_MINUTES, MOST_IDLE_MINUTES = 0.5, 10_080  # less than a worker takes to start would end it at once
LEAST_READER_MINUTES = 0.1
MOST_KEPT_HOURS = 1000
MOST_RUNS = 512
_SWITCH = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}
PROJECT = Path(__file__).resolve().parents[1]
CHECKPOINTS = PROJECT / "checkpoints"
KERAS_DATASETS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
REUTERS = "http://kdd.ics.uci.edu/databases/reuters21578/"
GLOVE = "https://nlp.stanford.edu/data/"


@dataclass(frozen=True)
class Limits:
    """What a workspace may take; the defaults leave room for a class on a machine with 2.7 GB and two cores.

    Attributes:
        parameters: of a model (`AECORE_LIMIT_PARAMETERS`).
        epochs: of a run (`AECORE_LIMIT_EPOCHS`).
        run_seconds: of device time for a run (`AECORE_LIMIT_RUN_SECONDS`).
        hour_seconds: of device time for a workspace in an hour (`AECORE_LIMIT_HOUR_SECONDS`).
        runs: that are stored (`AECORE_LIMIT_RUNS`).
        megabytes: of their files (`AECORE_LIMIT_MEGABYTES`).
        upload_megabytes: of a text, of word vectors, or of a picture (`AECORE_LIMIT_UPLOAD_MEGABYTES`).
        runs_at_once: that are trained (`AECORE_LIMIT_RUNS_AT_ONCE`).
        days: for which an unused workspace is kept (`AECORE_LIMIT_DAYS`).
    """

    parameters: int = 5_000_000
    epochs: int = 500
    run_seconds: int = 900
    hour_seconds: int = 1200
    runs: int = 100
    megabytes: int = 500
    upload_megabytes: int = 20
    runs_at_once: int = 3
    days: int = 30

    @classmethod
    def from_env(cls) -> "Limits":
        """Reads the environment.

        Raises:
            BadInput: a variable holds no whole number above 0.
        """
        return cls(
            **{
                spec.name: _number(f"AECORE_LIMIT_{spec.name.upper()}", int(str(spec.default)), 1, 10**12, "")
                for spec in fields(cls)
            }
        )


@dataclass(frozen=True)
class Settings:
    """Settings of one process, read from the environment by `Settings.from_env`.

    Attributes:
        home: folder under which everything that the program writes lies (`AECORE_HOME`).
        data_dir: folder searched first for datasets, or None (`AECORE_DATA_DIR`).
        keras_dir: Keras's own dataset cache, searched second (`KERAS_HOME`/datasets).
        data_url: address that holds Keras's dataset files, ending in "/" (`AECORE_DATA_URL`).
        reuters_url: address that holds the Reuters corpus, ending in "/" (`AECORE_REUTERS_URL`).
        glove_url: address that holds the GloVe vectors, ending in "/" (`AECORE_GLOVE_URL`).
        database_url: any SQLAlchemy URL; "" for SQLite under `home` (`AECORE_DATABASE_URL`).
        scheduler: address of a dask scheduler, or None for a local worker (`AECORE_SCHEDULER`).
        worker_memory: memory limit of the local worker, in dask's notation (`AECORE_WORKER_MEMORY`).
        idle_minutes: minutes without work after which the local worker ends, and for which it trains on without a
            dashboard (`AECORE_IDLE_MINUTES`).
        reader_minutes: minutes for which a worker trains on with nobody reading its events; then it pauses the run
            (`AECORE_READER_MINUTES`).
        kept_hours: hours for which a worker keeps what nobody has read (`AECORE_KEPT_HOURS`).
        runs_at_once: runs that the local worker trains in turns; others wait for a place (`AECORE_RUNS_AT_ONCE`).
        checkpoints_dir: folder of the pretrained models (`AECORE_CHECKPOINTS`).
        public: whether each visitor has a workspace, which nobody else sees (`AECORE_PUBLIC`).
        limits: of a workspace, where there are workspaces.
        workspace: whose own texts and vectors are seen; "" for those of the owner of this machine.
    """

    home: Path
    data_dir: Path | None = None
    keras_dir: Path = Path("~/.keras/datasets")
    data_url: str = KERAS_DATASETS
    reuters_url: str = REUTERS
    glove_url: str = GLOVE
    database_url: str = ""
    scheduler: str | None = None
    worker_memory: str = "auto"
    idle_minutes: float = 10.0
    reader_minutes: float = 60.0
    kept_hours: float = 24.0
    runs_at_once: int = 64
    checkpoints_dir: Path = CHECKPOINTS
    public: bool = False
    limits: Limits = Limits()
    workspace: str = ""

    @classmethod
    def from_env(cls) -> "Settings":
        """Reads the environment.

        Raises:
            BadInput: a variable holds something that cannot be used.
        """
        env = os.environ
        home = Path(env.get("AECORE_HOME") or platformdirs.user_data_dir("aecore")).expanduser().absolute()
        keras_home = Path(env.get("KERAS_HOME") or "~/.keras").expanduser().absolute()
        data_dir = env.get("AECORE_DATA_DIR")
        public = env.get("AECORE_PUBLIC", "").strip().lower()
        if public not in _SWITCH:
            raise BadInput(f"AECORE_PUBLIC takes 1 or 0; received '{public}'.")
        return cls(
            home=home,
            data_dir=Path(data_dir).expanduser().absolute() if data_dir else None,
            keras_dir=keras_home / "datasets",
            data_url=env.get("AECORE_DATA_URL", KERAS_DATASETS).rstrip("/") + "/",
            reuters_url=env.get("AECORE_REUTERS_URL", REUTERS).rstrip("/") + "/",
            glove_url=env.get("AECORE_GLOVE_URL", GLOVE).rstrip("/") + "/",
            database_url=env.get("AECORE_DATABASE_URL", ""),
            scheduler=env.get("AECORE_SCHEDULER") or None,
            worker_memory=env.get("AECORE_WORKER_MEMORY", "auto"),
            idle_minutes=_number("AECORE_IDLE_MINUTES", 10.0, LEAST_IDLE_MINUTES, MOST_IDLE_MINUTES, "of minutes"),
            reader_minutes=_number(
                "AECORE_READER_MINUTES", 60.0, LEAST_READER_MINUTES, MOST_IDLE_MINUTES, "of minutes"
            ),
            kept_hours=_number("AECORE_KEPT_HOURS", 24.0, 0.0, MOST_KEPT_HOURS, "of hours"),
            runs_at_once=_number("AECORE_RUNS_AT_ONCE", 64, 1, MOST_RUNS, "of runs"),
            public=_SWITCH[public],
            limits=Limits.from_env(),
            checkpoints_dir=Path(env.get("AECORE_CHECKPOINTS") or CHECKPOINTS).expanduser().absolute(),
        )

    @property
    def own_dir(self) -> Path:
        """Where a visitor's own texts and vectors lie."""
        return self.home / "workspaces" / self.workspace if self.workspace else self.home

    @property
    def store_url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.home / 'aecore.db'}"

    @property
    def download_dir(self) -> Path:
        """Where downloaded datasets are written."""
        return self.home / "data"


def _number(name: str, default: Any, least: float, most: float, what: str) -> Any:
    """A number from the environment.

    Raises:
        BadInput: it is none, or out of range; whole where the default is.
    """
    text = os.environ.get(name) or str(default)
    try:
        value = type(default)(text)
        if not least <= value <= most:
            raise ValueError
    except ValueError:
        kind = "whole number" if isinstance(default, int) else "number"
        takes = " ".join(f"{kind} {what} from {least} to {most}".split())
        raise BadInput(f"{name} takes a {takes}; received '{text}'.") from None
    return value
