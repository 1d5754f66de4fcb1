"""What a model makes of ten held-out examples."""

import streamlit as st

from aecore.service import Service
from aecore.store.views import RunView, SnapshotView
from pages.components.shared import pictures
from pages.components.shared.spelling import spelt


def reconstructions(service: Service, run: RunView, snapshot: SnapshotView | None) -> None:
    """Draws ten held-out images and what comes back."""
    del service
    if snapshot is None:
        st.caption("Ten held-out images and what the model makes of them appear here with the first step.")
        return
    arrays = snapshot.arrays
    if "clean" not in arrays:
        st.image(pictures.mosaic([arrays["outputs"]]), width="stretch", alt="Reconstructions of held-out images.")
        st.caption(
            f"What the model makes of ten held-out images, after epoch {snapshot.position:.4g}. The images themselves "
            f"are not shipped: with {run.config.dataset} on this machine they stand above."
        )
        return
    noisy = run.config.image_hyper.noise != "none"
    rows = [arrays["clean"], arrays["corrupted"], arrays["outputs"]] if noisy else [arrays["clean"], arrays["outputs"]]
    names = (
        "held-out images, what the model is shown, and what it makes of it"
        if noisy
        else "held-out images, and what comes back"
    )
    st.image(pictures.mosaic(rows), width="stretch", alt=f"From top to bottom: {names}.")
    st.caption(f"From top to bottom: {names}. Epoch {snapshot.position:.4g}.")


def sentences(service: Service, run: RunView, snapshot: SnapshotView | None) -> None:
    """Draws ten held-out sentences and what comes back, word by word."""
    if snapshot is None:
        st.caption("Ten held-out sentences and what the model makes of them appear here with the first step.")
        return
    arrays = snapshot.arrays
    if "words" not in arrays:
        st.caption(
            f"The sentences of {service.data.dataset(run.config.dataset).title} are not shipped: on the page Sentences "
            "the model can be given others."
        )
        return
    spelt(
        arrays["shown"],
        arrays["words"],
        arrays["cosines"],
        language(service, run)[0],
        run.config.sentence_hyper.objective,
    )
    st.caption(
        f"Each held-out sentence as the model reads it, and below it what it writes; epoch {snapshot.position:.4g}."
    )


def language(service: Service, run: RunView) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a sentence run by number, and the names of its codes' labels."""
    return _language(service, run.id, run.attempt)


@st.cache_data(show_spinner=False, max_entries=16)
def _language(_service: Service, name: str, attempt: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    del attempt  # another one may have trained on another machine's corpus
    return _service.runs.language(name)
