"""A run as it goes on: state, controls, curves, reconstructions, weights, codes and scorecard.

Everything drawn comes from the store, so a reload, a second tab or another page never touches the run.
"""

from typing import Any

import streamlit as st

from aecore.errors import BadInput
from aecore.service import Service
from aecore.store.views import RunView, SnapshotView
from pages.components.shared import charts, query_parameters, visualizations
from pages.components.shared.formatting import duration
from pages.components.shared.redrawing import STEADY, redraw
from pages.components.shared.session import show_errors
from pages.components.train.choices import show_run, use_config, write_speed
from pages.components.train.reconstructions import language, reconstructions, sentences
from pages.components.train.scorecard import scorecard
from pages.components.train.speed import SPEEDS, chosen_speed

BADGES = {
    "queued": "gray", "starting": "blue", "running": "blue", "paused": "orange", "stopped": "violet",
    "finished": "green", "failed": "red", "interrupted": "red", "pretrained": "green",
}  # fmt: skip


def live(service: Service, name: str) -> None:
    """Draws a run; while it is active, the drawing repeats by itself."""
    st.html(STEADY)
    redraw(lambda: service.runs.run(name), lambda run: run.active, lambda run: _draw(service, run))


def _draw(service: Service, run: RunView) -> None:
    _state(service, run)
    _controls(service, run)
    curve, snapshot = service.runs.curve(run.id), service.runs.snapshot(run.id)
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("Loss", anchor=False)
        # The loss of a batch of very short sentences is tiny, and would be all that a logarithmic scale shows.
        usual = run.config.hyper.modality == "images"
        logarithmic = st.toggle("Logarithmic scale", key=f"logarithmic-{run.config.hyper.modality}", value=usual)
        charts.loss_chart(run, curve, logarithmic)
        st.caption(f"Drag to move, scroll to zoom, double-click to reset. {run.config.hyper.baseline_note}")
        charts.parts_charts(run, curve)
        st.header("Codes", anchor=False)
        _codes(service, run, snapshot)
    with right:
        st.header("Reconstructions", anchor=False)
        (sentences if run.config.hyper.modality == "sentences" else reconstructions)(service, run, snapshot)
        visualizations.weights(run, snapshot)
        visualizations.others(run, snapshot)
    st.header("Scorecard", anchor=False)
    scorecard(run)


def _state(service: Service, run: RunView) -> None:
    device = run.device.title if run.device else "device not known yet"
    title = run.config.hyper.title
    st.markdown(
        f":{BADGES[run.status]}-badge[{run.status}] **{title}** on **{_dataset_title(service, run)}** · "
        f"`{run.id}` · {device}"
    )
    if run.shared:
        st.caption("Shared with you, read-only; a new run can start from its settings.")
    if run.status == "pretrained":
        st.caption(
            f"Pretrained: {run.epochs_done} epochs, {run.parameters:,} parameters. It is read-only; a new run can "
            "start from its settings."
        )
        return
    st.progress(min(1.0, run.position / max(1, run.total_epochs)), text=_progress_text(service, run))
    if run.message:
        (st.error if run.status == "failed" else st.warning)(run.message)


def _dataset_title(service: Service, run: RunView) -> str:
    try:
        return service.data.dataset(run.config.dataset).title
    except BadInput:  # a text of whoever shared it, or one that was removed
        return run.config.dataset


def _progress_text(service: Service, run: RunView) -> str:
    if run.status == "queued":
        if service.runs.worker().state == "starting":
            return "The worker is starting (this takes a few seconds the first time)."
        ahead = service.runs.waiting_before(run.id)
        others = "one run is" if ahead == 1 else f"{ahead} runs are"
        return f"Waiting: {others} ahead." if ahead else "The worker is loading TensorFlow and the data."
    if run.stage == "scoring":
        return f"Measuring {run.phase} on held-out {run.config.hyper.modality}."
    parts = [f"Epoch {run.position:.4g} of {run.total_epochs}"]
    if run.company:
        parts.append(run.company)
    if run.active and run.seconds_left is not None:
        parts.append(f"{duration(run.seconds_left)} left at {'this share' if run.company else 'full speed'}")
    if run.samples_per_second:
        parts.append(f"{run.samples_per_second:,.0f} {run.config.hyper.modality} a second")
    if run.active and run.held_bytes:
        parts.append(f"{run.held_bytes / 1e6:.1f} MB on the worker")
    if run.learning_rate:
        parts.append(f"learning rate {run.learning_rate:.3g}")
    if run.phase and len(run.config.hyper.phases()) > 1:
        parts.append(run.phase)
    return " · ".join(parts)


def _controls(service: Service, run: RunView) -> None:
    if run.status == "pretrained" or run.shared:
        if st.button("Use its settings", icon=":material/content_copy:", key="use-settings", on_click=use_config,
                     args=(run.config,), help="Put its variant and hyperparameters into the form."):  # fmt: skip
            st.rerun()  # the form is not in the part that was drawn again
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    busy = run.status == "running" and run.stage == "training"
    can_go_on = not run.active and (run.status != "finished")
    left_to_do = run.position < run.total_epochs
    _button(row, "Pause", ":material/pause:", not busy, "Finish the present steps, keep everything, and wait.",
            lambda: service.runs.pause(run.id))  # fmt: skip
    _button(row, "Resume", ":material/play_arrow:", not (can_go_on and left_to_do), "Go on from the last checkpoint.",
            lambda: service.runs.resume(run.id, speed=chosen_speed()))  # fmt: skip
    _button(row, "Step", ":material/skip_next:", not (can_go_on and left_to_do), "Train one epoch and pause.",
            lambda: service.runs.step(run.id, chosen_speed()))  # fmt: skip
    can_stop = busy or (run.status in ("paused", "interrupted") and run.position > 0)
    _button(row, "Stop", ":material/stop:", not can_stop, "End the run here and measure it.",
            lambda: service.runs.stop(run.id))  # fmt: skip
    with row.popover("More", icon=":material/tune:"):
        more = st.number_input("Train so many epochs more", 1, 10_000, 10, key="more_epochs", disabled=run.active)
        if st.button("Train more", disabled=run.active, icon=":material/add:"):
            _act(lambda: service.runs.resume(run.id, more_epochs=int(more), speed=chosen_speed()))
        rate = st.number_input("Learning rate from now on", 1e-6, 10.0, float(run.config.hyper.learning_rate),
                               format="%g", step=1e-4, key=f"rate-{run.id}")  # fmt: skip
        ended = run.status in ("finished", "failed")
        if st.button("Change the learning rate", disabled=ended, help="Base of the schedule, from the next step on."):
            _act(lambda: service.runs.set_learning_rate(run.id, rate))
    if service.settings.workspace:
        with row.popover("Share", icon=":material/share:"):
            _share(service, run)
    with row.popover("Delete", icon=":material/delete:"):
        st.markdown("This deletes the run with its curve, pictures and weights, for good.")
        if st.button(
            "Delete this run", disabled=run.active, help="A run that is being trained has to be stopped first."
        ):
            _act(lambda: _delete(service, run))
    row.selectbox(
        "Speed",
        list(SPEEDS),
        key="speed",
        persist_state="session",
        on_change=_speed_changed,
        args=(service, run.id),
        width=190,
        help="Slow it down to watch a small model learn.",
    )


def _share(service: Service, run: RunView) -> None:
    name = service.runs.shared_as(run.id)
    if not name:
        st.markdown("Make a link under which others can look at this run, and change nothing.")
        if st.button("Make a link", icon=":material/link:"):
            _act(lambda: service.runs.share(run.id))
        return
    st.markdown("Whoever has this link can look at the run:")
    st.code(f"{(st.context.url or '').partition('?')[0]}?run={name}", language=None, wrap_lines=True)
    if st.button("Take the link back", icon=":material/link_off:"):
        _act(lambda: service.runs.unshare(run.id))


def _delete(service: Service, run: RunView) -> None:
    service.runs.delete(run.id)
    query_parameters.write({"run": None})
    show_run(None)


def _button(row: Any, label: str, icon: str, disabled: bool, text: str, action: Any) -> None:
    if row.button(label, icon=icon, disabled=disabled, help=text, key=f"do-{label}"):
        _act(action)


def _act(action: Any) -> None:
    with show_errors():
        action()
        st.rerun()


def _speed_changed(service: Service, name: str) -> None:
    write_speed()
    if service.runs.run(name).status == "running":
        with show_errors():
            service.runs.set_speed(name, chosen_speed())


def _codes(service: Service, run: RunView, snapshot: SnapshotView | None) -> None:
    modality = run.config.hyper.modality
    if snapshot is None:
        st.caption(f"Where held-out {modality} lie in the code appears here with the first step.")
        return
    codes, labels = snapshot.arrays["codes"], snapshot.arrays["labels"]
    if modality == "images":
        classes, coloured = service.data.classes(run.config.dataset), "class"
    else:
        classes, coloured = language(service, run)[1], "topic"
    charts.codes_chart(f"codes-{run.id}", codes, labels, classes)
    drift = (
        "Classes drift apart although no label was used." if modality == "images" else "No topic was used in training."
    )
    st.caption(f"Codes of {len(codes):,} held-out {modality}, coloured by {coloured}. {drift}")
