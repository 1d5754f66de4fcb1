"""One input through models and baselines: figures that can be checked by hand, a sweep that goes down."""

from pathlib import Path

import numpy as np
import pytest

from aecore.errors import BadInput
from aecore.explore.inputs import BASELINES, MEANS, MEDIAN, PCA, SWEPT_STRENGTHS, Inputs, noise_std, quality
from aecore.messages.jobs import RECONSTRUCT, Operation
from aecore.service import Service
from aecore.settings import Settings


class Copying:
    """Runs and data: the runs return what they are shown."""

    def __init__(self, home: Path):
        self.settings = Settings(home=home)
        self.asked: list[tuple[str, int]] = []

    def infer(self, name: str, operation: Operation, images: np.ndarray) -> dict[str, np.ndarray]:
        assert operation == RECONSTRUCT
        self.asked.append((name, len(images)))
        return {"images": images}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Copying:
    return Copying(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def inputs(service: Copying) -> Inputs:
    return Inputs(service, service)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def clean(inputs: Inputs) -> np.ndarray:
    return inputs.swept_images("digits")


def test_the_service_offers_them(home: Path):
    service = Service(Settings(home=home))
    try:
        assert service.inputs is service.inputs
        digit, label = service.inputs.digit("digits", 3)
        assert digit.shape == (28, 28, 1)
        assert label in range(10)
        with pytest.raises(BadInput, match="0 to 359"):
            service.inputs.digit("digits", 360)
    finally:
        service.close()


def test_metrics_are_those_of_the_definitions():
    clean = np.zeros((2, 28, 28, 1), np.float32)
    clean[:, 8:20, 12:16] = 1
    psnr, ssim = quality(clean, clean)
    assert psnr == pytest.approx(120)
    assert ssim == pytest.approx(1)
    worse = clean + np.float32(0.1)
    assert quality(clean, worse)[0] == pytest.approx(20, abs=1e-3)
    assert quality(clean, 1 - clean)[1] < 0
    assert noise_std(clean, worse) == pytest.approx(0, abs=1e-6)


def test_noise_is_that_of_its_kind(inputs: Inputs, clean: np.ndarray):
    assert np.array_equal(inputs.corrupted(clean, inputs.noise("none", 0.5), 0), clean)
    masked = inputs.corrupted(clean, inputs.noise("masking", 1.0), 0)
    assert masked.max() == 0
    loud = inputs.corrupted(clean, inputs.noise("gaussian", 0.5, 0.1, clip=False), 0)
    assert (loud - clean).mean() == pytest.approx(0.1, abs=0.01)
    assert noise_std(clean, loud) == pytest.approx(0.5, rel=0.02)
    with pytest.raises(BadInput, match="noise"):
        inputs.noise("snow", 0.5)


def test_baselines_do_their_work(inputs: Inputs, clean: np.ndarray):
    line = inputs.line("digits")
    assert (line.dataset, line.images) == ("digits", 1437)
    assert quality(clean, line(clean, 784))[0] > 40, "all components give the image back"
    few, many = (quality(clean, line(clean, count))[0] for count in (5, 60))
    assert few < many
    noisy = inputs.corrupted(clean, inputs.noise("gaussian", 0.5), 0)
    before = quality(clean, noisy)[0]
    assert quality(clean, inputs.baseline(PCA, clean, noisy, line, 30))[0] > before + 2
    assert quality(clean, inputs.baseline(MEANS, clean, noisy, line, 30))[0] > before
    peppered = inputs.corrupted(clean, inputs.noise("salt_and_pepper", 0.2), 0)
    assert quality(clean, inputs.baseline(MEDIAN, clean, peppered, line, 30))[0] > quality(clean, peppered)[0] + 3
    assert np.array_equal(inputs.baseline(MEANS, clean, clean, line, 30), clean), "no noise, nothing to remove"


def test_pca_of_a_dataset_that_is_not_here_is_that_of_the_digits(home: Path, inputs: Inputs):
    del home
    assert inputs.line("mnist").dataset == "digits"


@pytest.mark.parametrize("kind", ["gaussian", "masking", "salt_and_pepper"])
def test_a_sweep_has_every_method_at_every_strength(kind: str, inputs: Inputs, service: Copying, clean: np.ndarray):
    reported = []
    service.asked.clear()
    points = inputs.sweep(
        clean[:8], kind, 0, ["copy"], inputs.line("digits"), 30, lambda share, what: reported.append((share, what))
    )
    assert service.asked == [("copy", 8 * 9)], "a run is asked once for all strengths"
    assert reported[0] == (0, "copy")
    assert reported[-1] == (1, "")
    for method in ("copy", *BASELINES):
        assert tuple(point.strength for point in points if point.method == method) == SWEPT_STRENGTHS
    copied = [point.psnr for point in points if point.method == "copy"]
    assert copied[0] == pytest.approx(120), "without noise, a copy is perfect"
    assert copied == sorted(copied, reverse=True)
    noisy = inputs.corrupted(clean[:8], inputs.noise(kind, 0.5), 0)
    assert copied[4] == pytest.approx(quality(clean[:8], noisy)[0])


def test_a_sweep_is_over_the_noise_that_was_chosen(inputs: Inputs, clean: np.ndarray):
    points = inputs.sweep(clean[:8], "gaussian", 0, ["copy"], inputs.line("digits"), 30, mean=0.5, clip=False)
    copied = {point.strength: point.psnr for point in points if point.method == "copy"}
    shown = np.clip(inputs.corrupted(clean[:8], inputs.noise("gaussian", 0.25, 0.5, clip=False), 0), 0, 1)
    assert copied[0.25] == pytest.approx(quality(clean[:8], shown)[0])
    assert copied[0] < 15, "a shifted mean is an error as well"
