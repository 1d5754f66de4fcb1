"""The command line: variants, data, runs, train, resume, evaluate, checkpoints, scheduler, worker.

With `--json` every command prints JSON on standard output (trainings one object a line); without it, tables
and a progress bar. Bad input ends with exit status 2 and one sentence, a failed training with 1.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aecore.cli import cluster, pretrained
from aecore.cli import data as data_command
from aecore.errors import AecoreError, BadInput, DataMissing, StorageError
from aecore.messages.events import EpochDone, Event, Failed, Finished
from aecore.schema import VARIANTS, RunConfig, variant
from aecore.service import Service
from aecore.settings import Settings
from aecore.store.bundles import MANIFEST
from aecore.store.views import RunView

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130
_err = Console(stderr=True, highlight=False, emoji=False)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message[:1].upper()}{message[1:].rstrip('.')}; see '{self.prog} --help'.")


def main(arguments: list[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: as typed; the process's own by default.

    Returns:
        The exit status.
    """
    try:
        options = _parser().parse_args(arguments)
        return options.command(options) or 0
    except (BadInput, DataMissing) as error:
        _err.print(str(error), markup=False, soft_wrap=True)
        return BAD_INPUT
    except AecoreError as error:
        _err.print(str(error), markup=False, soft_wrap=True)
        return FAILED
    except KeyboardInterrupt:
        _err.print("Interrupted; what was stored is kept.")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m aecore", description="Autoencoders that train live.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    def add(name: str, command: Any, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--json", action="store_true", help="print JSON")
        sub.set_defaults(command=command)
        return sub

    add("variants", _variants, "List the variants and their hyperparameters.")
    data = add("data", _data, "List the datasets, or tell of one.")
    data.add_argument("name", nargs="?", metavar="NAME")
    data.add_argument("--download", action="store_true", help="fetch it first; also glove-50, -100, -200 and -300")
    data.add_argument("--add", type=Path, metavar="FILE", help="add a text of your own, or word vectors as GloVe's")
    add("runs", _runs, "List the runs.")
    train = add("train", _train, "Train a variant.")
    train.add_argument("variant", metavar="VARIANT")
    train.add_argument("--preset", metavar="P")
    train.add_argument("--dataset", metavar="D", help="digits or, for sentences, python-docs by default")
    train.add_argument("--epochs", metavar="N")
    train.add_argument("--seed", metavar="N")
    train.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="values")
    train.add_argument("--out", type=Path, metavar="DIR", help="also write model, configuration and figures here")
    train.add_argument("--scheduler", metavar="ADDRESS", help="train on the workers of this dask scheduler")
    scheduler = add("scheduler", _scheduler, "Run a scheduler that hands runs to workers.")
    scheduler.add_argument("--address", default=cluster.DEFAULT, help=f"where it listens; {cluster.DEFAULT} by default")
    worker = add("worker", _worker, "Run workers that train: one for each GPU, or one for the processor.")
    worker.add_argument("--scheduler", metavar="ADDRESS", help=f"{cluster.DEFAULT} by default")
    resume = add("resume", _resume, "Go on with a run from its last checkpoint.")
    resume.add_argument("run", metavar="RUN")
    resume.add_argument("--epochs", metavar="N", default="0", help="epochs to add to its plan")
    evaluate = add("evaluate", _evaluate, "Measure a run or a pretrained model again from its weights.")
    evaluate.add_argument("model", metavar="BUNDLE|RUN", help="a run's name, a pretrained model's, or its folder")
    evaluate.add_argument("--dataset", metavar="D", help="measure it on this dataset")
    checkpoints = add("checkpoints", _checkpoints, "Train the pretrained models and tell what they reach.")
    checkpoints.add_argument("names", nargs="*", metavar="NAME", help="only these")
    checkpoints.add_argument(
        "--out", type=Path, metavar="DIR", help="where the bundles go; AECORE_CHECKPOINTS by default"
    )
    return parser


def _variants(options: argparse.Namespace) -> None:
    variants = VARIANTS.values()
    if options.json:
        rows = [
            {
                "name": variant_class.name,
                "title": variant_class.title,
                "summary": variant_class.summary,
                "fields": [field.as_json() for field in variant_class.fields()],
                "presets": list(variant_class.presets),
            }
            for variant_class in variants
        ]
        print(json.dumps(rows))
        return
    table = Table("variant", "presets", "what it is")
    for variant_class in variants:
        table.add_row(variant_class.name, ", ".join(variant_class.presets), variant_class.summary)
    Console().print(table)


def _standing(run: RunView, ahead: int) -> str:
    """The status, with what a run that goes on has to wait for."""
    parts = [run.status, f"{ahead} ahead" if ahead else "", run.company]
    if run.active and run.seconds_left is not None:
        parts.append(f"about {run.seconds_left:.0f} s left")
    return ", ".join(part for part in parts if part)


def _scheduler(options: argparse.Namespace) -> None:
    cluster.scheduler(options, _err)


def _worker(options: argparse.Namespace) -> None:
    cluster.worker(options, _err)


def _data(options: argparse.Namespace) -> None:
    with _service() as service:
        data_command.run(service, options, _err)


def _runs(options: argparse.Namespace) -> None:
    with _service() as service:
        found = service.runs.all()
        waiting = {run.id: service.runs.waiting_before(run.id) if run.status == "queued" else 0 for run in found}
    if options.json:
        rows = [
            {
                "run": run.id,
                "variant": run.config.variant,
                "dataset": run.config.dataset,
                "status": run.status,
                "message": run.message,
                "position": run.position,
                "total_epochs": run.total_epochs,
                "turns": {
                    "runs": run.runs,
                    "share": run.share,
                    "seconds_left": run.seconds_left,
                    "held_bytes": run.held_bytes,
                }
                if run.active
                else None,
                "waiting_before": waiting[run.id],
                "created": run.created.isoformat() + "Z",
                "config": run.config.to_json(),
                "device": dataclasses.asdict(run.device) if run.device else None,
                "metrics": run.metrics,
            }
            for run in found
        ]
        print(json.dumps(rows))
        return
    if not found:
        print("No runs yet. Train one with: python -m aecore train vanilla --preset quick")
        return
    table = Table("run", "dataset", "status", "epochs", "held-out mse", "5-NN accuracy")
    for run in found:
        mse, knn = run.metrics.get("mse"), run.metrics.get("knn5_accuracy")
        table.add_row(
            run.id, run.config.dataset, _standing(run, waiting[run.id]), f"{run.position:.4g} of {run.total_epochs}",
            "" if mse is None else f"{mse:.5f}", "" if knn is None else f"{knn:.4f}",
        )  # fmt: skip
    Console().print(table)


def _train(options: argparse.Namespace) -> int:
    values = {}
    for pair in options.values:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(f"--set takes field=value, such as code_size=64; received '{pair}'.")
        values[name.strip()] = value.strip()
    given = {"epochs": options.epochs, "seed": options.seed}
    values |= {name: value for name, value in given.items() if value is not None}
    with _service(options.scheduler) as service:
        dataset = options.dataset or service.data.datasets(variant(options.variant).modality)[0].name
        config = RunConfig.make(options.variant, dataset, options.preset, values)
        if options.out:
            _check_writable(options.out)
        with data_command.reading(dataset, _err) as report:
            events = service.runs.watch(config, report)
        return _show(service, events, config.hyper.total_epochs, 0, options)


def _resume(options: argparse.Namespace) -> int:
    more = variant("vanilla").fields()  # the bounds of epochs are the same for all
    spec = next(field for field in more if field.name == "epochs")
    epochs = 0 if options.epochs == "0" else spec.parse(options.epochs)
    options.out = None
    with _service() as service:
        run = service.runs.run(options.run)
        events = service.runs.watch_resumed(options.run, epochs)
        return _show(service, events, run.total_epochs + epochs, run.epochs_done, options)


def _evaluate(options: argparse.Namespace) -> None:
    given = os.path.abspath(options.model)  # noqa: PTH100 (Path raises where a name is too long for a file)
    is_bundle = os.path.isfile(os.path.join(given, MANIFEST))  # noqa: PTH113, PTH118
    with _service(checkpoints_dir=Path(given).parent if is_bundle else None) as service:
        name = Path(given).name if is_bundle else options.model
        run = service.runs.run(name)
        with _err.status("measuring", spinner="line") if _err.is_terminal else contextlib.nullcontext() as status:
            report = (lambda stage: status.update(f"measuring {stage}")) if status else (lambda _: None)
            metrics = service.runs.evaluate(name, options.dataset, report)
    dataset = options.dataset or run.config.dataset
    if options.json:
        found = {"model": name, "variant": run.config.variant, "dataset": dataset, "metrics": metrics}
        print(json.dumps(found))
        return
    _print_scorecard(f"{name} on {dataset}", run.config.variant, metrics)


def _checkpoints(options: argparse.Namespace) -> int:
    recipes = pretrained.chosen(options.names)
    folder, options.out = options.out or Settings.from_env().checkpoints_dir, None  # `_show` is not to write runs there
    _check_writable(folder)
    measured: dict[str, dict[str, Any]] = {}
    with _service(checkpoints_dir=Path(os.devnull)) as service:
        for recipe in recipes:
            if pretrained.trained(service, recipe) is None:
                _err.print(f"Training {recipe.name}: {recipe.config.hyper.total_epochs} epochs")
                events = pretrained.training(service, recipe)
                if _show(service, events, recipe.config.hyper.total_epochs, 0, options) == INTERRUPTED:
                    _err.print("The same command goes on with it.")
                    return INTERRUPTED
            run = pretrained.trained(service, recipe)
            assert run is not None
            if recipe.pretrained:
                _err.print(f"Measuring {recipe.name} and writing {folder / recipe.name}", soft_wrap=True)
                run = pretrained.ship(service, recipe, folder / recipe.name, lambda _: None)
            measured[recipe.name] = pretrained.metrics_of(service, run)
    rows = pretrained.table(measured)
    if options.json:
        print(json.dumps({"event": "metrics", "rows": rows}))
        return 0
    table = Table("model", "figure", "asked", "reached", "", "beside it")
    for row in rows:
        table.add_row(row["model"], row["figure"], row["asked"], f"{row['value']:.5g}",
                      "yes" if row["reached"] else "no", row["beside"])  # fmt: skip
    Console().print(table)
    return 0


def _show(
    service: Service, events: Iterator[tuple[str, Event]], total: int, done: int, options: argparse.Namespace
) -> int:
    """Prints a training as it goes; returns the exit status."""
    name, failed, interrupted = "", "", False

    def pause(*_: Any) -> None:
        nonlocal interrupted
        if interrupted or not name:
            raise KeyboardInterrupt
        interrupted = True
        service.runs.pause(name)

    before = signal.signal(signal.SIGINT, pause)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("loss {task.fields[loss]}  held out {task.fields[val_loss]}"),
        console=_err, disable=options.json or not _err.is_terminal,
    )  # fmt: skip
    try:
        with bar:
            task = bar.add_task("training", total=total, completed=done, loss="–", val_loss="–")
            for run, event in events:
                name = run
                if isinstance(event, EpochDone):
                    bar.update(task, completed=event.epoch, description=event.phase,
                               loss=f"{event.loss:.5f}", val_loss=f"{event.val_loss:.5f}")  # fmt: skip
                    if options.json:
                        print(json.dumps(_epoch_json(event)), flush=True)
                elif isinstance(event, Failed):
                    failed = event.message
                elif isinstance(event, Finished) and event.status == "finished":
                    bar.update(task, completed=total)
    finally:
        signal.signal(signal.SIGINT, before)
    if failed:
        if options.json:
            print(json.dumps({"event": "failed", "run": name, "message": failed}), flush=True)
        raise StorageError(failed)
    return _report(service, name, interrupted, options)


def _epoch_json(event: EpochDone) -> dict[str, Any]:
    fields = dataclasses.asdict(event)
    parts = fields.pop("parts")
    return {"event": "epoch", **fields, **parts}


def _report(service: Service, name: str, interrupted: bool, options: argparse.Namespace) -> int:
    run, curve = service.runs.run(name), service.runs.curve(name)
    finished = {
        "event": "finished",
        "run": name,
        "status": run.status,
        "epochs": run.epochs_done,
        "seconds": sum(epoch.seconds for epoch in curve.epochs),
        "parameters": run.parameters,
        "device": dataclasses.asdict(run.device) if run.device else None,
        "metrics": run.metrics,
    }
    if options.out and run.status != "paused":
        _write_out(options.out, service, name, finished)
    if options.json:
        print(json.dumps(finished), flush=True)
    else:
        device = run.device.name if run.device else ""
        _print_scorecard(f"{name}: {run.status}", run.config.variant, run.metrics)
        Console().print(
            f"{run.epochs_done} epochs in {finished['seconds']:.1f} s on {device}, {run.parameters:,} parameters"
        )
    if interrupted:
        _err.print(f"Paused after epoch {run.position:.4g}: python -m aecore resume {name}", soft_wrap=True)
        return INTERRUPTED
    return 0


def _print_scorecard(title: str, variant_name: str, metrics: Mapping[str, Any]) -> None:
    table = Table("held-out images", variant_name, "PCA", title=title, min_width=48)
    for metric, value in metrics.items():
        if not (metric.startswith("pca_") and metric.removeprefix("pca_") in metrics) and value is not None:
            pca = metrics.get(f"pca_{metric}")
            table.add_row(metric, f"{value:.5g}", "" if pca is None else f"{pca:.5g}")
    Console().print(table)


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out takes a folder that can be written to; {folder}: {error.strerror}.") from None


def _write_out(folder: Path, service: Service, name: str, finished: dict[str, Any]) -> None:
    run, curve = service.runs.run(name), service.runs.curve(name)
    try:
        (folder / "model.keras").write_bytes(service.runs.model_file(name))
        (folder / "config.json").write_text(json.dumps(run.config.to_json(), indent=2) + "\n")
        (folder / "scorecard.json").write_text(json.dumps(finished, indent=2) + "\n")
        history = [dataclasses.asdict(epoch) for epoch in curve.epochs]
        (folder / "history.json").write_text(json.dumps(history, indent=2) + "\n")
    except OSError as error:
        raise StorageError(f"{folder} cannot be written to ({error.strerror}); the run {name} is kept.") from None


class _service:
    """A service that is closed at the end of a command."""

    def __init__(self, scheduler: str | None = None, checkpoints_dir: Path | None = None):
        given = {"scheduler": scheduler, "checkpoints_dir": checkpoints_dir}
        self._given: dict[str, Any] = {name: value for name, value in given.items() if value}

    def __enter__(self) -> Service:
        self._service = Service(dataclasses.replace(Settings.from_env(), **self._given))
        return self._service

    def __exit__(self, *_: object) -> None:
        self._service.close()
