"""Home tells what there is and starts a first model."""

from streamlit.testing.v1 import AppTest

from aecore.schema import VARIANTS
from tests.app.conftest import ScriptedWorker
from tests.app.reader import APP, texts


def test_every_variant_has_a_card(app: AppTest) -> None:
    shown = texts(app)
    for kind in VARIANTS.values():
        assert kind.title in shown
        assert kind.summary in shown


def test_state_of_data_worker_and_device(app: AppTest) -> None:
    shown = texts(app)
    assert ":green-badge[here] **Digits**" in shown
    assert ":gray-badge[not here] **MNIST**" in shown
    assert "mnist.npz" in shown
    assert "**Worker**: ready." in shown
    assert "CPU, 2 cores on scripted" in shown


def test_first_model_is_one_button_away(app: AppTest, worker: ScriptedWorker) -> None:
    app.button(key="first").click().run()
    assert not app.exception
    (job,) = worker.jobs
    assert (job.config["variant"], job.config["dataset"]) == ("vanilla", "digits")


def test_runs_are_listed(app: AppTest, worker: ScriptedWorker) -> None:
    assert "Runs" not in [header.value for header in app.header]
    app.button(key="first").click().run()
    again = AppTest.from_file(APP, default_timeout=60).run()
    assert "Runs" in [header.value for header in again.header]
    assert len(worker.jobs) == 1
