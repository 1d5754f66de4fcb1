"""One moment of a run as a figure for a paper: losses, codes, reconstructions and weights."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from aecore.explore.replay import Film
from aecore.store.views import Curve, RunView, SnapshotView
from pages.components.shared import weight_pictures as drawn

COLOURS = [
    "#0072b2", "#d55e00", "#009e73", "#9975fe", "#5b0000", "#a14074", "#605227", "#5e1974", "#0c243d", "#082fb3",
]  # fmt: skip  # the light theme's


def figure(run: RunView, curve: Curve, film: Film, view: SnapshotView, plane: np.ndarray, frame: int,
           classes: tuple[str, ...]) -> Figure:  # fmt: skip
    """Draws it.

    Args:
        run: whose moment.
        curve: its losses.
        film: its snapshots.
        view: the snapshot.
        plane: float32 [frames, n, 2], the codes as they are shown.
        frame: which of them.
        classes: names of the classes.
    """
    made = Figure(figsize=(7, 6))
    (loss, images), (codes, weights) = made.subplots(2, 2)
    made.suptitle(f"{run.id}, epoch {view.position:.4g}", fontsize=10)
    _losses(loss, run, curve, view.position)
    shown = [view.arrays[name] for name in ("clean", "outputs") if name in view.arrays]
    rows = [np.hstack(list(half)) for row in shown for half in (row[:5], row[5:])]
    images.imshow(np.vstack(rows), cmap="gray", vmin=0, vmax=255)
    images.set_title("held-out images and what comes back" if len(shown) > 1 else "reconstructions", fontsize=9)
    images.set_axis_off()
    for k, name in enumerate(classes):
        mine = film.labels == k
        codes.scatter(plane[frame, mine, 0], plane[frame, mine, 1], s=6, color=COLOURS[k % len(COLOURS)], label=name)
    low, high = plane.min(axis=(0, 1)), plane.max(axis=(0, 1))
    codes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), title="codes")
    codes.legend(fontsize=6, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    limit = film.limits["tiles"]
    tiles = drawn.mosaic(view.arrays["tiles"].astype(np.float32))
    picture = weights.imshow(tiles, cmap=drawn.COLOURS, vmin=-limit, vmax=limit, interpolation="nearest")
    weights.set_axis_off()
    weights.set_title("weights of the first layer", fontsize=9)
    made.colorbar(picture, ax=weights, extend="both", shrink=0.8)
    return made


def _losses(axes, run: RunView, curve: Curve, now: float) -> None:
    epochs = [epoch.epoch for epoch in curve.epochs]
    axes.plot(epochs, [epoch.loss for epoch in curve.epochs], label="training")
    axes.plot(epochs, [epoch.val_loss for epoch in curve.epochs], label="held out")
    if run.baseline_loss is not None:
        axes.axhline(run.baseline_loss, linestyle="--", color="C2", label="PCA")
    axes.axvline(now, color="0.5", linewidth=1)
    axes.set(xlabel="epoch", ylabel=f"loss ({run.config.hyper.loss_title})", xlim=(0, run.total_epochs))
    values = [value for epoch in curve.epochs for value in (epoch.loss, epoch.val_loss)]
    if values and min(values) > 0:
        axes.set_yscale("log")
        for formatted in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            formatted(FormatStrFormatter("%.3g"))
    axes.legend(frameon=False, fontsize=7)
