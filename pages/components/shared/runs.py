"""The run that a page is about: named, chosen, and mirrored in the query parameters."""

import contextlib
from collections.abc import Callable

import streamlit as st

from aecore.errors import BadInput
from aecore.service import Service
from aecore.store.views import SHARED, RunView
from pages.components.shared import query_parameters

MOST = 50
NOT_HERE = ("The run '{}' cannot be shown here: it does not exist, has learnt nothing yet, or is of another kind. "
            "Choose one from the list.")  # fmt: skip


def run_label(run: RunView) -> str:
    """A run in a few words, for a list."""
    if run.status == "pretrained":
        return f"{run.id}, pretrained on {run.config.dataset}"
    name = "shared with you" if run.shared else run.id
    return f"{run.config.hyper.title} on {run.config.dataset}, {run.created:%d %b %H:%M} ({name})"


def explorable(service: Service, wanted: Callable[[RunView], bool] = lambda _: True) -> dict[str, RunView]:
    """Runs that have learnt something, the newest first, and the pretrained models; by name."""
    shown = [*_shared(service), *service.runs.all()]
    runs = [run for run in shown if (run.status == "pretrained" or run.position > 0) and wanted(run)]
    own = [run for run in runs if run.status != "pretrained"][:MOST]
    return {run.id: run for run in [*own, *(run for run in runs if run.status == "pretrained")]}


def _shared(service: Service) -> list[RunView]:
    """Runs that somebody has shared and that the query parameters name."""
    found = []
    for name in st.query_params.to_dict().values():
        if name.startswith(SHARED):
            with contextlib.suppress(BadInput):  # the choice says that there is none of this name
                found.append(service.runs.run(name))
    return found


def choose_run(
    runs: dict[str, RunView], name: str = "run", label: str = "Run", default: str | None = None
) -> RunView | None:
    """Draws the choice of one run and mirrors it.

    Args:
        runs: what can be chosen; see `explorable`.
        name: of the query parameter.
        label: of the field.
        default: the run shown at first; the first one where it is None or cannot be chosen.

    Returns:
        The run, or None where there is none; then the page says what to do.
    """
    if not runs:
        st.info("There is nothing to look at yet: train a model first.", icon=":material/model_training:")
        st.page_link("pages/train.py", label="Train a model", icon=":material/play_arrow:")
        return None
    first = default if default is not None and default in runs else next(iter(runs))
    return runs[query_parameters.pick(label, list(runs), name, first, lambda run: run_label(runs[run]),
                                      complaint=NOT_HERE, always=True)]  # fmt: skip
