"""Home: what an autoencoder is, what can be trained, and whether everything is ready."""

import streamlit as st

from aecore.schema import VARIANTS, RunConfig
from aecore.service import Service
from aecore.store.views import RunView
from pages.components.home import diagram
from pages.components.shared.datasets import download_panel
from pages.components.shared.formatting import number
from pages.components.shared.session import get_service, show_errors
from pages.components.shared.visitor import signs_in
from pages.components.train.live import BADGES
from pages.components.train.speed import SPEEDS

FIRST_SPEED = "5 epochs a second"
EXAMPLE_CODE = 16
RUNS_SHOWN = 8
CARDS_IN_A_ROW = 4


def page() -> None:
    """Draws the page."""
    service = get_service()
    st.title("Autoencoders, live", anchor=False)
    _whose_place(service)
    _what_it_is(service)
    if st.button("Train a first model", type="primary", icon=":material/play_arrow:", key="first"):
        with show_errors():
            name = service.runs.train(RunConfig.make("vanilla", "digits", "quick"), SPEEDS[FIRST_SPEED])
            st.switch_page("pages/train.py", query_params={"run": name, "speed": FIRST_SPEED})
    st.caption("A small autoencoder on 1,437 handwritten digits: no download, a few seconds on any machine.")
    _pretrained(service)
    st.header("Variants", anchor=False)
    _variants(service)
    _runs(service)
    st.header("This machine", anchor=False)
    _state(service)


def _whose_place(service: Service) -> None:
    """In public: what is kept of a visitor, for how long, and what may be used."""
    if not service.settings.workspace:
        return
    limits, usage = service.settings.limits, None
    with show_errors():
        usage = service.runs.usage()
    if usage is None:
        return
    with st.expander("This place is shared, and what you do here is yours alone", icon=":material/lock:"):
        whose = "who you are signed in as" if st.user.get("is_logged_in") else "a cookie in this browser"
        st.markdown(
            f"Your runs, texts and vectors belong to a workspace that nobody else sees; {whose} opens it again. It is "
            f"deleted {limits.days} days after your last visit. A run that you want to show can be shared by a link "
            "from its page.\n\n"
            f"You use **{usage.runs} of {limits.runs}** runs, **{usage.stored_bytes / 1e6:.0f} of {limits.megabytes} "
            f"MB**, and in this hour **{usage.hour_seconds:.0f} of {limits.hour_seconds} s** of the device. "
            f"{limits.runs_at_once} runs may train at once, each for {limits.run_seconds} s of the device, with up to "
            f"{limits.parameters:,} parameters and {limits.epochs} epochs; a file may have "
            f"{limits.upload_megabytes} MB."
        )
        if signs_in():
            if st.user.get("is_logged_in"):
                st.button("Sign out", on_click=st.logout)
            else:
                st.button("Sign in", on_click=st.login, help="Opens your workspace on every device.")


@st.cache_data(show_spinner=False)
def _picture(_service: Service) -> str:
    return diagram.autoencoder(*_service.data.linear_example(EXAMPLE_CODE))


def _what_it_is(service: Service) -> None:
    st.markdown(
        "An **autoencoder** is a network that is asked to draw its own input again, through a passage too narrow "
        "to copy it: an *encoder* turns an image into a short *code*, a *decoder* turns the code back into an image. "
        "No labels are needed. What survives the passage is what the images have in common, so the code is useful "
        "for compression, for removing noise, for finding what is unusual, and for seeing a dataset at a glance. "
        "Here you choose a variant, tune it, and watch it learn."
    )
    alt = "A digit goes through an encoder into a code of 16 numbers, and through a decoder back into a digit."
    st.image(_picture(service), width=760, alt=alt)
    st.caption(
        f"Computed just now with the simplest autoencoder of all, PCA: {28 * 28} pixels squeezed into "
        f"{EXAMPLE_CODE} numbers. A network with curves in it does better."
    )


def _pretrained(service: Service) -> None:
    pretrained: list[RunView] = []
    with show_errors():
        pretrained = [run for run in service.runs.all() if run.status == "pretrained"]
    problems = service.runs.pretrained_problems()
    if not pretrained and not problems:
        return
    st.header("Pretrained models", anchor=False)
    st.markdown("They open at once, without training, network or data.")
    columns = st.columns(2)
    for k, run in enumerate(pretrained):
        with columns[k % 2].container(border=True):
            st.page_link("pages/train.py", label=f"**{run.id}**", icon=":material/inventory_2:",
                         query_params={"run": run.id})  # fmt: skip
            st.caption(_caption_of(run))
    for problem in problems:
        st.warning(problem, icon=":material/broken_image:")


def _caption_of(run: RunView) -> str:
    metrics, hyper = run.metrics, run.config.hyper
    if hyper.modality == "sentences":
        return (
            f"{hyper.title}, code of {hyper.code_units}: {metrics['word_accuracy']:.1%} of held-out words come back; "
            f"reconstructions told from random pairs with an area of {metrics['separation_auc']:.3f} (untrained "
            f"{metrics['untrained_auc']:.3f})"
        )
    return (
        f"{hyper.title}, code of {hyper.code_units}: held-out MSE {number(metrics['mse'])} (PCA "
        f"{number(metrics['pca_mse'])}), 5-NN accuracy {metrics['knn5_accuracy']:.1%} (PCA "
        f"{metrics['pca_knn5_accuracy']:.1%})"
    )


def _variants(service: Service) -> None:
    variants = VARIANTS.items()
    rows = [st.columns(CARDS_IN_A_ROW) for _ in range(0, len(variants), CARDS_IN_A_ROW)]
    for k, (name, variant_class) in enumerate(variants):
        with rows[k // CARDS_IN_A_ROW][k % CARDS_IN_A_ROW].container(border=True, height="stretch"):
            st.subheader(variant_class.title, anchor=False)
            st.markdown(variant_class.summary)
            st.page_link("pages/train.py", label=f"Tune and train {name}", icon=":material/tune:",
                         query_params={"variant": name})  # fmt: skip


def _runs(service: Service) -> None:
    with show_errors():
        runs = [run for run in service.runs.all() if run.status != "pretrained"][:RUNS_SHOWN]
        if not runs:
            return
        st.header("Runs", anchor=False)
        for run in runs:
            mse = run.metrics.get("mse")
            title = f"{run.config.hyper.title} on {run.config.dataset}, epoch {run.position:.4g} of {run.total_epochs}"
            row = st.container(horizontal=True, vertical_alignment="center")
            row.markdown(f":{BADGES[run.status]}-badge[{run.status}]", width="content")
            row.page_link(
                "pages/train.py",
                label=title if mse is None else f"{title} · held-out MSE {mse:.4g}",
                query_params={"run": run.id},
            )


def _state(service: Service) -> None:
    worker = service.runs.worker()
    words = {
        "off": "not started; it starts with the first training and takes a few seconds",
        "starting": "starting",
        "ready": "ready",
    }[worker.state]
    st.markdown(f"**Worker**: {words}.")
    device = worker.device.title if worker.device else "known once the worker has started"
    st.markdown(f"**Device**: {device}.")
    memory = service.runs.worker_memory() if worker.state == "ready" else 0
    if memory:
        st.markdown(f"**Memory of the worker**: {memory / 1e6:,.0f} MB.")
    for status in [*service.data.datasets(), *service.data.datasets("sentences")]:
        size = f"{status.train_size:,} training and {status.test_size:,} held-out images, {status.licence}"
        if status.modality == "sentences":
            size = f"sentences, {status.licence}"
        if status.available:
            st.markdown(f":green-badge[here] **{status.title}**: {size}.")
        else:
            st.markdown(f":gray-badge[not here] **{status.title}**: {size}. {status.how}")
            download_panel(service, status.name)


page()
