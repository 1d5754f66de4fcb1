"""What the environment sets: where things are written, where data lies, which worker is used."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from aecore.errors import BadInput

LEAST_IDLE_MINUTES, MOST_IDLE_MINUTES = 0.5, 10_080  # less than a worker takes to start would end it at once
MOST_RUNS = 512
CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
KERAS_DATASETS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
REUTERS = "http://kdd.ics.uci.edu/databases/reuters21578/"
GLOVE = "https://nlp.stanford.edu/data/"


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
        idle_minutes: minutes without work after which the local worker ends (`AECORE_IDLE_MINUTES`).
        runs_at_once: runs that the local worker trains in turns; others wait for a place (`AECORE_RUNS_AT_ONCE`).
        checkpoints_dir: folder of the pretrained models (`AECORE_CHECKPOINTS`).
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
    runs_at_once: int = 64
    checkpoints_dir: Path = CHECKPOINTS

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
            runs_at_once=int(_number("AECORE_RUNS_AT_ONCE", 64, 1, MOST_RUNS, "of runs")),
            checkpoints_dir=Path(env.get("AECORE_CHECKPOINTS") or CHECKPOINTS).expanduser().absolute(),
        )

    @property
    def store_url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.home / 'aecore.db'}"

    @property
    def download_dir(self) -> Path:
        """Where downloaded datasets are written."""
        return self.home / "data"


def _number(name: str, default: float, least: float, most: float, what: str) -> float:
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
        raise BadInput(f"{name} takes a {kind} {what} from {least} to {most}; received '{text}'.") from None
    return value
