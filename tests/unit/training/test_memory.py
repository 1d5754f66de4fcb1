"""A run that would not fit is refused before it begins."""

from pathlib import Path

import pytest

from aecore.datasets import Images, load
from aecore.errors import BadInput
from aecore.schema import RunConfig
from aecore.settings import Settings
from aecore.training.memory import check_fits, needed


@pytest.fixture(scope="module")
def digits() -> Images:
    return load("digits", Settings(home=Path("unused")))


def test_what_does_not_fit_is_told_in_megabytes(digits: Images):
    config = RunConfig.make("stacked", "digits", None, {"hidden": "2000,1000"})
    need = needed(config, digits)
    check_fits(config, digits, 1_000_000_000, None)
    check_fits(config, digits, 1_000_000_000, 1_000_000_000 + need)
    with pytest.raises(BadInput, match=r"This run needs about [0-9,]+ MB, and the worker has 100 of its 1,100 MB left"):
        check_fits(config, digits, 1_000_000_000, 1_100_000_000)


def test_wider_layers_and_noise_need_more(digits: Images):
    narrow, wide = (RunConfig.make("stacked", "digits", None, {"hidden": width}) for width in ("64", "4000"))
    noisy = RunConfig.make("stacked", "digits", None, {"hidden": "64", "noise": "masking"})
    assert needed(wide, digits) > needed(narrow, digits) + 100_000_000
    assert needed(noisy, digits) > needed(narrow, digits)
