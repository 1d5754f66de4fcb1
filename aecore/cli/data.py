"""The command `data`: lists datasets, corpora and word vectors, fetches them, and adds a visitor's own."""

import argparse
import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aecore.datasets import DatasetStatus
from aecore.errors import BadInput
from aecore.service import Service


def run(service: Service, options: argparse.Namespace, err: Console) -> None:
    """Carries the command out.

    Args:
        service: the back end.
        options: `name` or None, `download`, `add` (a path) or None, and `json`.
        err: where progress is shown, if it is a terminal.

    Raises:
        BadInput, DataMissing, StorageError: it cannot be done; the message is one sentence.
    """
    name = options.name
    if options.add:
        if name or options.download:
            raise BadInput("--add takes a file, and goes with neither a dataset's name nor --download.")
        name = service.data.add_file(options.add)
    if options.download:
        if not name:
            raise BadInput("Say which dataset to download, such as 'data mnist --download'.")
        _download(service, name, err)
    found = [service.data.dataset(name)] if name else [*service.data.datasets(), *service.data.datasets("sentences")]
    statistics = _statistics(service, found[0], err) if name else {}
    if options.json:
        rows = [status.as_json() for status in found]
        print(json.dumps(rows[0] | statistics if name else rows))
        return
    _show(found, statistics)


def _show(found: list[DatasetStatus], statistics: dict[str, Any]) -> None:
    table = Table("dataset", "training", "held out", "licence", "where")
    for status in found:
        sizes = [f"{size:,}" if size else "–" for size in (status.train_size, status.test_size)]
        table.add_row(status.name, *sizes, status.licence, status.where or "not here")
    Console().print(table)
    for name, value in statistics.items():
        text = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        Console().print(f"{name.replace('_', ' ')}: {text}", highlight=False)
    for status in found:
        if not status.available:
            hint = f"Or: python -m aecore data {status.name} --download"
            Console(soft_wrap=True).print(f"{status.name}: {status.how} {hint}")


def _statistics(service: Service, status: DatasetStatus, err: Console) -> dict[str, Any]:
    """Statistics of a corpus that is here; none of anything else."""
    if status.modality != "sentences" or not status.available:
        return {}
    with reading(status.name, err) as report:
        return service.data.corpus_statistics(status.name, report)


@contextlib.contextmanager
def reading(name: str, err: Console) -> Iterator[Callable[[float, str], None]]:
    """A progress bar for reading a dataset; the function it gives takes the share that is done, and what."""
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as bar:
        task = bar.add_task(name, total=1.0)
        yield lambda share, what: bar.update(task, completed=share, description=what)


def _download(service: Service, name: str, err: Console) -> None:
    columns = TextColumn(name), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task(name, total=None)
        service.data.download_now(name, lambda done, total: bar.update(task, completed=done, total=total or None))
