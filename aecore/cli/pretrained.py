"""The pretrained models: which are trained, how, what each has to reach, and how a run becomes a bundle."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aecore.datasets import Images
from aecore.datasets.for_run import data_of
from aecore.errors import BadInput
from aecore.messages.events import Event
from aecore.schema import RunConfig
from aecore.service import Service
from aecore.store.bundles import KEPT, shortened, write_bundle
from aecore.store.views import RunView

FRAMES, FIRST_FRAME = 12, 0.1
FRAME_CODES = 500
PRECISE = 1.001  # float16 weights may not raise the error by more than this factor


class Threshold(NamedTuple):
    """What a model has to reach.

    Attributes:
        title: what is measured.
        metric: its name in the scorecard, "loss" (of the last training epoch), or "a - b" for a difference.
        bound: what is asked.
        least: whether the bound is the least allowed, or the most.
        beside: metric to show beside it, or "".
    """

    title: str
    metric: str
    bound: float
    least: bool
    beside: str = ""

    def value(self, metrics: Mapping[str, Any]) -> float:
        """What was reached; NaN where it was not measured."""
        first, _, second = self.metric.partition(" - ")
        value = metrics.get(first, math.nan)
        return value - metrics.get(second, math.nan) if second else value

    def reached(self, metrics: Mapping[str, Any]) -> bool:
        value = self.value(metrics)
        return value >= self.bound if self.least else value <= self.bound


@dataclass(frozen=True)
class Recipe:
    """A model to train.

    Attributes:
        name: of its folder.
        variant: in the registry.
        preset: of the variant.
        values: what overrides the preset.
        thresholds: what it has to reach.
        pretrained: whether it becomes a bundle, or is only measured.
        dataset: what it is trained on.
    """

    name: str
    variant: str
    preset: str
    values: Mapping[str, Any]
    thresholds: tuple[Threshold, ...] = ()
    pretrained: bool = True
    dataset: str = "mnist"

    @property
    def config(self) -> RunConfig:
        return RunConfig.make(self.variant, self.dataset, self.preset, dict(self.values))


SHUFFLED = {"seed": 0, "shuffle": True}  # the book's settings but for seed and order of the images
RECIPES = (
    Recipe("vanilla", "vanilla", "book", SHUFFLED, (Threshold("training loss", "loss", 0.0125, False),)),
    # Vanilla's mean activation with the same settings is 0.344; the KL penalty asks for 0.05.
    Recipe("sparse-l1", "sparse", "book", SHUFFLED, (Threshold("mean activation", "mean_activation", 0.15, False),)),
    Recipe("sparse-kl", "sparse", "kl", {}, (Threshold("mean activation", "mean_activation", 0.1, False),)),
    Recipe("denoising", "denoising", "overcomplete", {}, (Threshold("MSE", "mse", 0.0216, False, "pca_mse"),)),
    Recipe(
        "stacked-30", "stacked", "best", {},
        (Threshold("squared error of an image", "sse_per_image", 3.0, False, "pca_sse_per_image"),),
    ),
    Recipe(
        "stacked-2", "stacked", "best", {"code_size": 2, "epochs": 120},
        (Threshold("5-NN accuracy", "knn5_accuracy", 0.90, True, "pca_knn5_accuracy"),),
    ),
    Recipe("variational-2", "variational", "plane", {}, (Threshold("ELBO, nats", "elbo", -150, True),)),
    Recipe(
        "variational-20", "variational", "best", {},
        (Threshold("log-likelihood (500 draws), nats", "iwae500", -88, True),),
    ),
    Recipe(
        "convolutional-denoising", "convolutional", "best", {},
        (
            Threshold("BCE", "bce", 0.0875, False, "pca_bce"),
            Threshold("PSNR above non-local means, dB", "psnr - nlm_psnr", 1.5, True, "nlm_psnr"),
            Threshold("PSNR above a PCA denoiser, dB", "psnr - pca_denoiser_psnr", 1.5, True, "pca_denoiser_psnr"),
        ),
    ),
    Recipe(
        "convolutional-64", "convolutional", "best", {"noise": "none", "code_size": 64, "loss": "mse", "epochs": 15},
        (
            Threshold("MSE", "mse", 0.0016, False, "pca_mse"),
            Threshold("5-NN accuracy", "knn5_accuracy", 0.975, True, "pca_knn5_accuracy"),
        ),
    ),
    Recipe(
        "sentence-reuters", "sentence", "best", {"vectors": "corpus"},
        (Threshold("reconstructions told from random pairs, ROC area", "separation_auc", 0.95, True, "untrained_auc"),),
        dataset="reuters",
    ),
    Recipe(
        "convolutional-book", "convolutional", "fresh", {},
        (Threshold("BCE", "bce", 0.0995, False, "pca_bce"), Threshold("training loss", "loss", 0.0990, False)),
        pretrained=False,
    ),
)  # fmt: skip


def chosen(names: list[str]) -> list[Recipe]:
    """The recipes of these names, all for none.

    Raises:
        BadInput: there is none of that name.
    """
    known = {recipe.name: recipe for recipe in RECIPES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(f"There is no pretrained model '{unknown[0]}'; they are {', '.join(known)}.")
    return [known[name] for name in names] or list(RECIPES)


def trained(service: Service, recipe: Recipe) -> RunView | None:
    """The run of a recipe that has finished already."""
    found = [run for run in service.runs.all() if run.config == recipe.config and run.status == "finished"]
    return found[0] if found else None


def training(service: Service, recipe: Recipe) -> Iterator[tuple[str, Event]]:
    """Trains a recipe, from the last checkpoint if it was interrupted before; see `aecore.runs.runs.Runs.watch`."""
    begun = [
        run for run in service.runs.all() if run.config == recipe.config and run.status in ("paused", "interrupted")
    ]
    return service.runs.watch_resumed(begun[0].id) if begun else service.runs.watch(recipe.config)


def metrics_of(service: Service, run: RunView) -> dict[str, Any]:
    """The scorecard with the last epoch's training loss."""
    return {**run.metrics, "loss": service.runs.curve(run.id).epochs[-1].loss}


def ship(service: Service, recipe: Recipe, folder: Path, stage: Callable[[str], None]) -> RunView:
    """Writes the bundle of a finished recipe and returns the run as it is shipped.

    Raises:
        DataMissing: the dataset is not on this machine.
        StorageError: the bundle cannot be written.
    """
    from aecore.compute.worker import warm_up

    run = trained(service, recipe)
    if run is None:
        raise BadInput(f"The model {recipe.name} has not been trained yet.")
    data = data_of(run.config, service.settings)
    warm_up()
    from aecore.training import evaluation

    model = evaluation.from_keras_file(run.config, service.runs.model_file(run.id))
    full = [np.asarray(variable) for variable in model.variables]
    weights = evaluation.halved(model)
    metrics, kept = evaluation.measure(run.config, model, data, stage)
    if _worse(metrics, run.metrics):
        model, weights = evaluation.from_weights(run.config, full), full
        metrics, kept = evaluation.measure(run.config, model, data, stage)
    arrays = {
        "weights.npz": {str(k): array for k, array in enumerate(weights)},
        "timeline.npz": timeline(service, run.id),
    }
    if isinstance(data, Images):
        arrays["held_out.npz"] = shortened(evaluation.held_out_codes(run.config, model, data))
    else:
        arrays |= {f"kept-{what}.npz": kept[what] for what in KEPT}
    device = replace(run.device, host="") if run.device else None
    pretrained = replace(run, metrics=metrics, device=device)
    write_bundle(folder, pretrained, service.runs.curve(run.id), arrays)
    return pretrained


def _worse(metrics: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether half the bits cost something measurable: in the error, or in the bound where there is one."""
    error = "held_out_loss" if "held_out_loss" in before else "mse"
    if metrics[error] is None:  # a float16 that overflows leaves no number at all
        return True
    bound = metrics.get("elbo", 0.0) < before.get("elbo", 0.0) - (PRECISE - 1) * abs(before.get("elbo", 0.0))
    return bound or metrics[error] > PRECISE * before[error]


def timeline(service: Service, run: str) -> dict[str, np.ndarray]:
    """Snapshots of a run, dense at its beginning, where most happens; see `aecore.store.bundles.Bundle.snapshot`."""
    positions = service.runs.snapshot_positions(run)
    left = list(positions)
    frames = []
    for wanted in (0.0, *np.geomspace(FIRST_FRAME, max(positions[-1], FIRST_FRAME), FRAMES - 1)[::-1]):
        if left:
            frames.append(min(left, key=lambda position: abs(position - wanted)))
            left.remove(frames[-1])
    taken = [view for position in sorted(frames) if (view := service.runs.snapshot(run, position))]
    few = slice(FRAME_CODES)
    found = {"labels": taken[-1].arrays["labels"][few], "indices": taken[-1].arrays["indices"][few]}
    found["positions"] = np.array([view.position for view in taken])
    # Neither held-out images nor sentences are shipped, nor what comes close to the latter.
    left_out = ("clean", "corrupted", "shown", "words", "cosines", "labels", "indices", "tiles", "codes")
    for name in [name for name in taken[-1].arrays if name not in left_out]:
        found[name] = np.stack([view.arrays[name] for view in taken])
    found["codes"] = np.stack([view.arrays["codes"][few] for view in taken])
    tiles = np.stack([view.arrays["tiles"] for view in taken]).astype(np.float32)
    scale = np.maximum(np.abs(tiles).max(axis=(1, 2, 3)), 1e-12) / 127
    found["tiles"] = np.round(tiles / scale[:, None, None, None]).astype(np.int8)
    found["tiles_scale"] = scale.astype(np.float32)
    return found


def table(measured: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was asked of each model and what it reaches, a row for each figure.

    Args:
        measured: metrics by the recipes' names; see `metrics_of`.
    """
    rows = []
    for recipe in RECIPES:
        if recipe.name not in measured:
            continue
        metrics = measured[recipe.name]
        for threshold in recipe.thresholds:
            beside = f"{threshold.beside} {metrics[threshold.beside]:.4g}" if threshold.beside else ""
            rows.append(
                {
                    "model": recipe.name,
                    "figure": threshold.title,
                    "asked": f"{'at least' if threshold.least else 'at most'} {threshold.bound:g}",
                    "value": threshold.value(metrics),
                    "reached": threshold.reached(metrics),
                    "beside": beside,
                }
            )
    return rows
