"""What a model's insides look like: weights or kernels, feature maps, prices of a code's units, draws from a prior."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from aecore.schema.variational import COLLAPSED
from aecore.store.views import RunView, SnapshotView
from pages.components.shared import charts, pictures

KERNEL_SIZE = 9  # tiles up to so many pixels wide are kernels, not whole images
SAMPLES_IN_A_ROW = 10
GATES = {4: "input, forget, output and candidate", 3: "update, reset and candidate"}


def weights(run: RunView, snapshot: SnapshotView | None) -> None:
    """Draws the first layer's weights as pictures: units, kernels where it is convolutional, gates of a cell."""
    if run.config.hyper.modality == "sentences":
        _gates(run, snapshot)
        return
    tiles = None if snapshot is None else snapshot.arrays["tiles"]
    kernels = tiles is not None and tiles.shape[1] <= KERNEL_SIZE
    st.header("Kernels" if kernels else "Weights", anchor=False)
    if tiles is None:
        st.caption("What each unit looks for appears here with the first step.")
        return
    picture, limit = pictures.tiles(tiles, scale=KERNEL_SIZE if kernels else 2)
    what = "kernels of the first convolution" if kernels else "units of the first layer"
    st.image(
        picture, width="content" if kernels else "stretch", alt=f"Weights of the first {len(tiles)} {what} as pictures."
    )
    st.caption(
        f"What the first {len(tiles)} {what} look for: red where ink excites them, blue where it inhibits them; full "
        f"colour is ±{limit:.2g}."
    )


def _gates(run: RunView, snapshot: SnapshotView | None) -> None:
    st.header("Weights of the gates", anchor=False)
    if snapshot is None:
        st.caption("How each number of a word vector opens the gates appears here with the first step.")
        return
    tiles = snapshot.arrays["tiles"]
    picture, limit = pictures.tiles(tiles, columns=1, scale=max(1, 512 // tiles.shape[2]))
    names = GATES[len(tiles)]
    st.image(picture, width="stretch", alt=f"The encoder's input weights of the gates {names}, one below the other.")
    st.caption(
        f"The forward encoder's input weights, from top to bottom of {names}: a row for each number of a word vector, "
        f"a column for each unit; red opens, blue closes, full colour is ±{limit:.2g}."
    )


def others(run: RunView, snapshot: SnapshotView | None) -> None:
    """Draws whatever else the snapshot of a run holds."""
    for name, draw in _OTHERS.items():
        if snapshot is not None and name in snapshot.arrays:
            draw(run, snapshot.arrays[name])


def _maps(run: RunView, maps: np.ndarray) -> None:
    st.header("Feature maps", anchor=False)
    picture, limit = pictures.tiles(maps)
    st.image(picture, width="stretch", alt=f"The first convolution's {len(maps)} feature maps of a held-out image.")
    caption = "as the model is shown it, " if run.config.image_hyper.noise != "none" else ""
    st.caption(
        f"What each kernel finds in one held-out zero, {caption}after the activation: red above zero, blue below; full "
        f"colour is ±{limit:.2g}. Look for edges of one direction lighting up in one map."
    )


def _kl(run: RunView, kl: np.ndarray) -> None:
    st.header("KL of each unit of the code", anchor=False)
    charts.kl_chart(f"kl-{run.id}", kl)
    silent = int((kl < COLLAPSED).sum())
    caption = "No unit has collapsed" if silent == 0 else f"{silent} of {len(kl)} units have collapsed"
    st.caption(f"How much each unit says about an image, in nats. {caption}: below {COLLAPSED} it says nothing.")


def _samples(run: RunView, samples: np.ndarray) -> None:
    st.header("Drawn from the prior", anchor=False)
    rows = [samples[k : k + SAMPLES_IN_A_ROW] for k in range(0, len(samples), SAMPLES_IN_A_ROW)]
    st.image(pictures.mosaic(rows), width="stretch", alt="Images decoded from random codes.")
    st.caption(
        f"{len(samples)} codes drawn from the standard normal distribution, the same in every epoch, and decoded: "
        "images that nobody wrote."
    )


def _manifold(run: RunView, images: np.ndarray) -> None:
    st.header("The plane of codes", anchor=False)
    side = int(len(images) ** 0.5)
    rows = [images[k : k + side] for k in range(0, len(images), side)]
    st.image(pictures.mosaic(rows, scale=1, gap=0), width="stretch", alt="Images decoded on a grid over the code.")
    st.caption(
        "What the decoder draws at each point of the code's plane; the grid is even in the prior's quantiles. "
        "Neighbouring codes give similar images."
    )


_OTHERS: dict[str, Callable[[RunView, np.ndarray], None]] = {
    "maps": _maps,
    "kl": _kl,
    "manifold": _manifold,
    "samples": _samples,
}
