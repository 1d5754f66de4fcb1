"""Charts that are redrawn while a run goes on. Their specification stays the same and only data change, so
that they update in place and keep their zoom (Altair; a changing Plotly figure would be mounted anew)."""

import altair as alt
import numpy as np
import pandas as pd

from aecore.store.views import Curve, RunView

TRAINING, HELD_OUT, WITHIN = "training", "held out", "training, within epochs"
PHASE = "phase"


def curve_frame(run: RunView, curve: Curve) -> pd.DataFrame:
    """The losses in long form: epoch, loss, series, and the phase that begins there.

    PCA's error is a series of two points; a phase's beginning is a row of the series "phase".
    """
    rows: list[tuple[float, float, str, str]] = []
    rows += [(position, loss, WITHIN, "") for position, loss in curve.ticks]
    for epoch in curve.epochs:
        rows += [(epoch.epoch, epoch.loss, TRAINING, epoch.phase), (epoch.epoch, epoch.val_loss, HELD_OUT, epoch.phase)]
    if run.baseline_loss is not None:
        name = pca_name(run)
        rows += [(position, run.baseline_loss, name, "") for position in (0.0, float(run.total_epochs))]
    begin = 0
    for phase, epochs in run.config.hyper.phases():
        if len(run.config.hyper.phases()) > 1:
            rows.append((float(begin), np.nan, PHASE, phase))
        begin += epochs
    return pd.DataFrame(rows, columns=["epoch", "loss", "series", "phase"])


def pca_name(run: RunView) -> str:
    """How PCA is called in the legend."""
    return f"PCA, {min(run.config.hyper.code_units, 784)} components"


def loss_chart(run: RunView, frame: pd.DataFrame, logarithmic: bool) -> alt.LayerChart | alt.FacetChart:
    """Loss curves with PCA's error as a line and the beginnings of the phases."""
    names = [TRAINING, HELD_OUT, WITHIN, pca_name(run)]
    pixels = "binary cross-entropy" if run.config.hyper.loss == "bce" else "mean squared error"
    x = alt.X("epoch:Q", title="epoch", scale=alt.Scale(domain=[0, run.total_epochs], nice=False))
    y = alt.Y(
        "loss:Q", title=f"loss ({pixels})",
        scale=alt.Scale(type="log" if logarithmic else "linear", zero=False, nice=False),
        axis=alt.Axis(format="~g"),
    )  # fmt: skip
    colour = alt.Color(
        "series:N", title=None, scale=alt.Scale(domain=names),
        legend=alt.Legend(orient="bottom", columns=2, labelLimit=0, symbolType="stroke", symbolStrokeWidth=3,
                          symbolOpacity=1),
    )  # fmt: skip
    base = alt.Chart(frame)
    losses = base.transform_filter(f"datum.series != '{PHASE}' && datum.series != '{WITHIN}'")
    lines = losses.mark_line(clip=True).encode(x, y, colour, alt.StrokeDash("series:N", legend=None, scale=alt.Scale(
        domain=names, range=[[1, 0], [1, 0], [1, 0], [6, 4]])))  # fmt: skip
    points = losses.mark_point(clip=True, filled=True, size=28).encode(
        x, y, colour,
        tooltip=[alt.Tooltip("series:N"), alt.Tooltip("epoch:Q", format=".4~g"), alt.Tooltip("loss:Q", format=".4~g"),
                 alt.Tooltip("phase:N")],
    )  # fmt: skip
    ticks = base.transform_filter(f"datum.series == '{WITHIN}'")
    within = ticks.mark_line(clip=True, strokeWidth=1, opacity=0.45).encode(x, y, colour)
    begins = base.transform_filter(f"datum.series == '{PHASE}'")
    rules = begins.mark_rule(strokeDash=[2, 3], opacity=0.6).encode(x)
    words = begins.mark_text(align="left", baseline="top", dx=3, fontSize=11).encode(x, y=alt.value(2), text="phase:N")
    chart = alt.layer(within, lines, points, rules, words) if len(run.config.hyper.phases()) > 1 else alt.layer(
        within, lines, points
    )  # fmt: skip
    return chart.properties(height=320).interactive()


def codes_frame(codes: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Codes in the plane: as they are if they have two units, else their first two principal components.

    Args:
        codes: [n, units].
        labels: [n] classes.

    Returns:
        Columns x, y and digit.
    """
    codes = np.nan_to_num(codes.astype(np.float64))
    if codes.shape[1] == 1:
        plane = np.column_stack([codes[:, 0], labels])
    elif codes.shape[1] == 2:
        plane = codes
    else:
        centred = codes - codes.mean(axis=0)
        _, _, directions = np.linalg.svd(centred, full_matrices=False)
        directions = directions[:2] * np.sign(directions[:2].sum(axis=1, keepdims=True) + 1e-12)
        plane = centred @ directions.T
    return pd.DataFrame({"x": plane[:, 0], "y": plane[:, 1], "digit": labels.astype(str)})


def codes_chart(frame: pd.DataFrame, units: int, classes: tuple[str, ...]) -> alt.Chart:
    """Scatter of codes, coloured by class."""
    titles = {1: ("the code's one unit", "class"), 2: ("code unit 1", "code unit 2")}.get(
        units, ("first principal component of the code", "second principal component")
    )
    known = [str(k) for k in range(len(classes))]
    label = "datum.label" if list(classes) == known else f"{list(classes)}[toNumber(datum.value)]"
    scale = alt.Scale(zero=False)
    return (
        alt.Chart(frame)
        .mark_circle(size=26, opacity=0.75)
        .encode(
            alt.X("x:Q", title=titles[0], scale=scale),
            alt.Y("y:Q", title=titles[1], scale=scale),
            alt.Color("digit:N", title=None, scale=alt.Scale(domain=known),
                      legend=alt.Legend(orient="right", labelExpr=label)),
            tooltip=[alt.Tooltip("digit:N", title="class")],
        )
        .properties(height=320)
        .interactive()
    )  # fmt: skip
