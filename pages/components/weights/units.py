"""What the units of a layer do over held-out images, and one unit by itself: sections of the page Weights."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from aecore.analysis.units import full_colour
from aecore.schema.dense import Sparse
from aecore.service import Service
from pages.components.shared import pictures, query_parameters
from pages.components.shared import weight_pictures as drawn
from pages.components.shared.export import downloads
from pages.components.shared.formatting import number
from pages.components.weights import charts
from pages.components.weights.matrices import Side

EXCITING = 10
ENLARGED, LARGEST = 280, 40  # pixels, of a unit's tile and of one of its weights
SHOWN = 460  # pixels, of the images that excite it


def spreads_and_statistics(sides: Sequence[Side]) -> None:
    st.header("How weights and activity are spread", anchor=False)
    runs, key = tuple(side.title for side in sides), "-".join(f"{side.title}-{side.layer.name}" for side in sides)
    watched = [side for side in sides if side.activity is not None]
    left, right = st.columns(2, gap="medium")
    with left:
        frame = charts.spread_frame({side.title: side.weights.matrix for side in sides})
        charts.spread_chart(f"weights-{key}", frame, runs, "weight", "How the layer's weights are spread.")
        st.caption("Weights. A sharp peak at zero with long sides: most pixels are left alone, a few matter.")
        downloads("weights-spread", partial(charts.lines, frame, "value", "share", "weight", "share", True),
                  lambda: frame)  # fmt: skip
    if not watched:
        return
    values = {side.title: activity.values for side in watched if (activity := side.activity)}
    means = {side.title: activity.statistics.mean for side in watched if (activity := side.activity)}
    with right:
        spread = charts.spread_frame(values)
        alt = "How the units' activations over held-out images are spread."
        charts.spread_chart(f"activity-{key}", spread, runs, "activation", alt)
        st.caption("Activations, over units and images. A sparse code stands high at zero and falls off at once.")
        downloads("activations-spread",
                  partial(charts.lines, spread, "value", "share", "activation", "share", True),
                  lambda: spread)  # fmt: skip
    with left:
        ranked = charts.mean_frame(means)
        charts.mean_chart(f"means-{key}", ranked, runs, _target(watched))
        asked = ", dashed the one that was asked for" if _target(watched) is not None else ""
        st.caption(f"Mean activation ρ̂ of each unit, the busiest first{asked}. A long flat end is capacity unused.")
        downloads("mean-activation",
                  partial(charts.lines, ranked, "rank", "mean", "unit, by rank", "mean activation", False),
                  lambda: ranked)  # fmt: skip
    with right:
        table = statistics_table(watched)
        st.table(table.set_index("over held-out images"))
        st.caption(
            "ρ̂ is the mean activation over the images (Ng, 2011). A unit never fires if it is the same for every "
            "image, within 0.001. Effective units: exp(−Σ p ln p) with p each unit's share of the mean absolute "
            "activation (Hill, 1973). Directions: (Σλ)² / Σλ² of the eigenvalues of the activations' covariance, the "
            "participation ratio (Gao et al., 2017). " + _notes(watched)
        )
        downloads("units", None, lambda: units_table(watched))


def _notes(sides: Sequence[Side]) -> str:
    """On what the units were watched, once where it is the same for both runs."""
    notes = {side.title: side.activity.note for side in sides if side.activity}
    if len(set(notes.values())) == 1:
        return next(iter(notes.values()))
    return " ".join(f"{title}: {note}" for title, note in notes.items())


def _target(sides: Sequence[Side]) -> float | None:
    """The mean activation that a run of these was asked for."""
    for side in sides:
        hyper = side.run.config.hyper
        if isinstance(hyper, Sparse) and hyper.penalty == "kl" and side.layer.code:
            return hyper.sparsity_target
    return None


def statistics_table(sides: Sequence[Side]) -> pd.DataFrame:
    """Statistics of the units in words, a column for each run."""
    columns = {}
    for side in sides:
        if side.activity is None:
            continue
        found, units = side.activity.statistics, side.layer.units
        silent = int(found.silent.sum())
        columns[side.title] = [
            f"{units:,}", number(found.mean.mean()), number(found.strength.mean()), f"{found.firing.mean():.1%}",
            f"{silent / units:.1%} ({silent:,})", f"{found.effective:.1f}", f"{found.directions:.1f}",
        ]  # fmt: skip
    rows = [
        "units", "mean activation ρ̂", "mean absolute activation", "units beyond 0.001, of an image",
        "units that never fire", "effective number of units", "directions used",
    ]  # fmt: skip
    return pd.DataFrame({"over held-out images": rows, **columns})


def units_table(sides: Sequence[Side]) -> pd.DataFrame:
    """Figures of each unit."""
    frames = [
        pd.DataFrame(
            {
                "run": side.title, "layer": side.layer.name, "unit": np.arange(1, side.layer.units + 1),
                "mean_activation": side.activity.statistics.mean, "mean_absolute": side.activity.statistics.strength,
                "share_of_images": side.activity.statistics.firing, "never_fires": side.activity.statistics.silent,
                "norm": side.norms,
            }
        )
        for side in sides
        if side.activity is not None
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def single_units(service: Service, sides: Sequence[Side], percentile: float) -> None:
    st.header("One unit", anchor=False)
    for k, (column, side) in enumerate(zip(st.columns(len(sides), gap="medium"), sides, strict=True)):
        with column:
            _unit(service, side, f"unit{k + 1 if k else ''}", percentile)


def _unit(service: Service, side: Side, name: str, percentile: float) -> None:
    first = int(side.units[0]) + 1
    alt = f"From 1 to {side.layer.units}; the captions above name the first ones in their order."
    unit = query_parameters.number(f"Unit of {side.title}", side.layer.units, name, first, alt) - 1
    tile = side.tiles[unit]
    limit = full_colour(tile, percentile)
    st.image(drawn.png(tile, limit, wide=ENLARGED, largest=LARGEST), width=min(ENLARGED, LARGEST * tile.shape[1]),
             alt=f"Weights of unit {unit + 1} of {side.title}.")  # fmt: skip
    drawn.colour_bar(limit)
    st.caption(f"Its weights, norm {side.norms[unit]:.3g}; the scale is its own.")
    if side.activity is None:
        return
    values = side.activity.values[:, unit]
    best = np.argsort(-values, kind="stable")[:EXCITING]
    found = side.activity.statistics
    if found.silent[unit]:
        st.info(f"Unit {unit + 1} is {values[0]:.3g} for every image: nothing excites it.")
        return
    rows = [side.activity.images[best[k : k + EXCITING // 2]] for k in range(0, len(best), EXCITING // 2)]
    st.image(pictures.mosaic(rows), width=SHOWN, alt=f"The images that excite unit {unit + 1} most.")
    decoded = (
        " The images are not on this machine: what is shown is what the model decodes from their codes."
        if side.activity.decoded
        else ""
    )
    st.caption(
        f"The {len(best)} held-out images that excite it most, from {values[best[0]]:.3g} down to "
        f"{values[best[-1]]:.3g}.{decoded} Look for what they share, and for it in the weights."
    )
    frame = charts.unit_frame(values)
    alt = f"How often unit {unit + 1} of {side.title} is how active."
    charts.unit_chart(f"{name}-{side.title}-{side.layer.name}-{unit}", frame, alt)
    st.caption(
        f"Its activation over {len(values):,} images: mean ρ̂ {found.mean[unit]:.3g}, beyond 0.001 for "
        f"{found.firing[unit]:.1%} of them."
    )
    downloads(name, partial(charts.bars, frame, f"{side.title}, unit {unit + 1}"),
              partial(_unit_table, side, unit))  # fmt: skip


def _unit_table(side: Side, unit: int) -> pd.DataFrame:
    """A unit's activation for each image, the strongest first."""
    assert side.activity is not None
    table = pd.DataFrame({"class": side.activity.labels, "activation": side.activity.values[:, unit]})
    return table.sort_values("activation", ascending=False, ignore_index=True)
