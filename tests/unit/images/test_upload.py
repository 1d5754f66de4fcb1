"""Pictures of visitors: good ones become digits like MNIST's, bad ones are refused in one sentence within memory."""

import io
import os
import random
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from aecore.datasets import load, status
from aecore.errors import BadInput
from aecore.images.upload import MOST_BYTES, Picture, drawn, read_picture, steps_to_digit
from aecore.settings import Settings

DATA_DIR = os.environ.get("AECORE_DATA_DIR")  # before other tests give this process folders of their own


def seven(size: int = 200, background: int = 0, ink: int = 255, width: int = 18) -> Image.Image:
    """A 7 in the upper left of a square."""
    image = Image.new("L", (size, size), background)
    line = [(size * 0.15, size * 0.1), (size * 0.6, size * 0.1), (size * 0.3, size * 0.8)]
    ImageDraw.Draw(image).line(line, fill=ink, width=width, joint="curve")
    return image


def packed(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def digit(data: bytes) -> np.ndarray:
    return steps_to_digit(read_picture(data))[-1].image


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    """The 7, white on black, as a digit."""
    return digit(packed(seven()))


def test_a_digit_fits_twenty_pixels_and_its_mass_is_in_the_middle(plain: np.ndarray):
    assert plain.shape == (28, 28)
    assert plain.dtype == np.float32
    assert (plain.min(), plain.max()) == (0, 1)
    rows, columns = np.flatnonzero(plain.max(axis=1) > 0.05), np.flatnonzero(plain.max(axis=0) > 0.05)
    assert np.ptp(rows) + 1 == 20, "the 7 is higher than wide"
    assert 10 <= np.ptp(columns) + 1 <= 16, "its proportions are kept"
    for axis in (0, 1):
        assert plain.sum(axis=1 - axis) @ np.arange(28) / plain.sum() == pytest.approx(14, abs=0.501)


def test_every_step_is_reported():
    steps = steps_to_digit(read_picture(packed(seven(background=240, ink=20))))
    assert [step.title for step in steps] == ["Grey", "Inverted", "Contrast", "Cropped", "Scaled", "Centred"]
    assert all(step.explanation.endswith(".") for step in steps)
    assert steps_to_digit(read_picture(packed(seven())))[1].title == "Not inverted"


def test_held_out_digits_come_out_nearly_as_they_were(tmp_path: Path):
    images = load("digits", Settings(home=tmp_path)).x_test[:30, ..., 0]
    once = [digit(packed(Image.fromarray(image))) for image in images]
    twice = [digit(packed(Image.fromarray(np.round(image * 255).astype(np.uint8)))) for image in once]
    assert np.mean([np.abs(a - b).mean() for a, b in zip(once, twice, strict=True)]) < 0.03


SAME: dict[str, bytes] = {
    "ink on paper": packed(seven(background=255, ink=0)),
    "grey on grey": packed(seven(background=150, ink=90)),
    "JPEG": packed(seven(background=230, ink=40), "JPEG", quality=90),
    "WebP": packed(seven(background=230, ink=40).convert("RGB"), "WEBP"),
    "CMYK": packed(seven(background=230, ink=40).convert("CMYK"), "JPEG"),
    "palette": packed(seven(background=230, ink=40).convert("P")),
    "one bit": packed(seven(background=255, ink=0).convert("1")),
    "16 bit": packed(Image.fromarray(np.asarray(seven(background=255, ink=0)).astype(np.uint16) * 257)),
    "in a corner": packed(seven().crop((10, 10, 150, 180))),
}


@pytest.mark.parametrize("name", SAME)
def test_whatever_the_file_the_digit_is_the_same(name: str, plain: np.ndarray):
    assert np.abs(digit(SAME[name]) - plain).mean() < 0.03


def test_transparent_ink_lies_on_white_paper(plain: np.ndarray):
    shape = seven()
    black = Image.new("L", shape.size, 0)
    picture = read_picture(packed(Image.merge("LA", (black, shape))))
    assert "transparent" in " ".join(picture.notes)
    assert np.abs(steps_to_digit(picture)[-1].image - plain).mean() < 0.02
    with pytest.raises(BadInput, match="nothing to see"):
        digit(packed(Image.new("RGBA", (50, 50), (0, 0, 0, 0))))


def test_transparent_white_ink_lies_on_black(plain: np.ndarray):
    shape = seven()
    picture = read_picture(packed(Image.merge("LA", (Image.new("L", shape.size, 255), shape))))
    assert picture.notes == ("What is transparent is seen as black, as the ink is white.",)
    assert np.abs(steps_to_digit(picture)[-1].image - plain).mean() < 0.02


def test_of_an_animation_the_first_frame_is_used_and_that_is_said(plain: np.ndarray):
    blank = Image.new("L", (200, 200), 0)
    for file_format in ("GIF", "WEBP", "PNG"):
        picture = read_picture(packed(seven(), file_format, save_all=True, append_images=[blank, blank]))
        assert "The image is animated: its first frame is used." in picture.notes, file_format
        assert np.abs(steps_to_digit(picture)[-1].image - plain).mean() < 0.03


def test_a_photograph_lies_upright(plain: np.ndarray):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    lying = seven(background=230, ink=30).rotate(90)
    assert np.abs(digit(packed(lying, "JPEG", exif=exif)) - plain).mean() < 0.03


def test_uneven_light_and_specks_do_not_matter(plain: np.ndarray):
    rng = np.random.default_rng(0)
    background = np.asarray(seven(background=220, ink=30), np.float32) * np.linspace(0.8, 1, 200, dtype=np.float32)
    background += rng.normal(0, 4, background.shape)
    background[190:193, 190:193] = 20
    found = digit(packed(Image.fromarray(background.clip(0, 255).astype(np.uint8))))
    assert np.abs(found - plain).mean() < 0.05


@pytest.mark.parametrize("dark", [0.15, 0.3, 0.5])
@pytest.mark.parametrize("turned", [0, 90, 180])
def test_a_shadow_over_the_paper_is_taken_away(dark: float, turned: int, plain: np.ndarray):
    illumination = np.rot90(np.tile(np.linspace(1 - dark, 1, 200, dtype=np.float32), (200, 1)), turned // 90)
    background = np.asarray(seven(background=220, ink=55), np.float32) * illumination
    steps = steps_to_digit(read_picture(packed(Image.fromarray(background.astype(np.uint8)))))
    assert np.abs(steps[-1].image - plain).mean() < 0.03
    assert "The light fell unevenly" in steps[2].explanation


def test_even_light_is_left_alone():
    for picture in (seven(), seven(background=220, ink=55), seven().crop((30, 20, 120, 160))):
        assert "unevenly" not in steps_to_digit(read_picture(packed(picture)))[2].explanation


@pytest.mark.parametrize("background", [0, 255])
def test_the_mass_lies_where_mnist_has_it(background: int, tmp_path: Path):
    for image in load("digits", Settings(home=tmp_path)).x_test[:40, ..., 0]:
        found = digit(
            packed(Image.fromarray(np.pad(image if background == 0 else 255 - image, 9, constant_values=background)))
        )
        assert max(np.ptp(np.flatnonzero(found.max(axis=axis) > 0.2)) + 1 for axis in (0, 1)) in (19, 20)
        for axis in (0, 1):
            profile = found.sum(axis=axis)
            assert profile @ np.arange(28) / profile.sum() == pytest.approx(14, abs=0.501)


@pytest.mark.data
def test_digits_of_mnist_stay_as_they_are(tmp_path: Path):
    settings = Settings(home=tmp_path, data_dir=Path(DATA_DIR) if DATA_DIR else None)
    if not status("mnist", settings).available:
        pytest.skip("needs MNIST (AECORE_DATA_DIR)")
    images = load("mnist", settings).x_test[:100, ..., 0]
    found = np.stack([digit(packed(Image.fromarray(image))) for image in images])
    assert np.abs(found - images / 255).mean() < 0.005


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x08\x02\0\0\0") + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


BAD = {
    "empty": (b"", "The file is empty"),
    "text": (b"This is no picture at all.\n" * 20, "no image that can be read"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image that can be read"),
    "TIFF": (packed(seven(), "TIFF"), "no image that can be read"),
    "100 megapixels": (png_header(10_000, 10_000), "megapixels|pixels"),
    "a bomb": (png_header(60_000, 60_000), "too many pixels"),
    "cut off": (packed(Image.effect_noise((300, 300), 50))[:20_000], "damaged"),
    "one shade": (packed(Image.new("L", (60, 60), 128)), "nothing to see"),
    "one pixel": (packed(Image.new("L", (1, 1), 128)), "nothing to see"),
    "too many bytes": (bytes(MOST_BYTES + 1), "at most 50 MB"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_sentence(name: str):
    data, words = BAD[name]
    with pytest.raises(BadInput, match=words) as caught:
        digit(data)
    assert str(caught.value).count(". ") == 0
    assert len(str(caught.value)) < 200


def test_any_damage_is_reported_as_bad_input(plain: np.ndarray):
    rng = random.Random(0)
    for data in (packed(seven()), packed(seven(), "JPEG"), packed(seven(), "WEBP"), packed(seven(), "GIF")):
        for _ in range(60):
            broken = bytearray(data)
            for _ in range(rng.randint(1, 12)):
                broken[rng.randrange(len(broken))] = rng.randrange(256)
            try:
                found = digit(bytes(broken[: rng.randint(1, len(broken))] if rng.random() < 0.3 else broken))
            except BadInput:
                continue
            assert found.shape == plain.shape
            assert np.isfinite(found).all()


MEASURED = """
import re, sys
from pathlib import Path
from aecore.images.upload import read_picture
from aecore.errors import BadInput

def megabytes(what):  # the peak that getrusage gives is that of the parent process where that was larger
    return int(re.search(what + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

before = megabytes("VmRSS")
try:
    print(read_picture(Path(sys.argv[1]).read_bytes()).grey.shape)
except BadInput as error:
    print(error)
print(megabytes("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("side", "mode", "file_format", "explanation", "most"),
    [
        (10_000, "RGB", "JPEG", "The image has 100 megapixels", 20),
        (10_000, "RGB", "PNG", "The image has 100 megapixels", 20),
        (5_000, "RGB", "WEBP", "The image has 25 megapixels (5,000×5,000), and a WEBP may have 16", 20),
        (7_000, "RGB", "JPEG", "(875, 875)", 330),
        (6_000, "RGB", "PNG", "(1000, 1000)", 330),
        (6_000, "RGBA", "PNG", "(1000, 1000)", 330),
        (6_000, "I;16", "PNG", "(1000, 1000)", 330),
        (6_000, "P", "GIF", "(1000, 1000)", 330),
        (4_000, "RGBA", "WEBP", "(1000, 1000)", 400),
    ],
)
def test_large_pictures_stay_within_memory(
    side: int, mode: str, file_format: str, explanation: str, most: int, tmp_path: Path
):
    """Megabytes in a process of its own; what is too large is refused before it is decoded."""
    file = tmp_path / "large"
    options = {"lossless": True, "quality": 0, "method": 0} if file_format == "WEBP" else {}
    Image.new(mode, (side, side)).save(file, file_format, **options)
    found = subprocess.run([sys.executable, "-c", MEASURED, str(file)], capture_output=True, text=True, check=True)
    answer, megabytes = found.stdout.splitlines()
    assert answer.startswith(explanation)
    assert int(megabytes) < most


def test_the_frames_of_an_animation_are_not_counted():
    """Three million of them fit into the megabytes of an upload."""
    head = b"GIF89a" + struct.pack("<HHBBB", 28, 28, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    few, many = (head + frame * count + b";" for count in (3, 3_000_000))
    took = []
    for data in (few, many):
        begun = time.perf_counter()
        assert read_picture(data).notes == ("The image is animated: its first frame is used.",)
        took.append(time.perf_counter() - begun)
    assert took[1] < took[0] + 3, "counting them takes a quarter of a minute"


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_a_large_picture_is_the_mean_of_its_pixels(mode: str):
    """Higher than one band, and neither side a multiple of what is averaged."""
    grey = np.random.default_rng(0).integers(0, 256, (2600, 1801), dtype=np.uint8)
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    found = read_picture(packed(image, compress_level=1)).grey
    assert found.shape == (867, 601)
    whole = grey[:2598, :1800].reshape(866, 3, 600, 3).mean(axis=(1, 3)) / 255
    assert np.abs(found[:866, :600] - whole).max() < 0.01


@pytest.mark.parametrize("shape", [(3, 900), (900, 3), (1, 40)])
def test_odd_shapes_become_digits(shape: tuple[int, int]):
    grey = np.zeros(shape, np.float32)
    grey[0, shape[1] // 3 : shape[1] // 2 + 1] = 1
    assert steps_to_digit(Picture(grey))[-1].image.shape == (28, 28)


def test_an_empty_pad_is_no_picture():
    assert drawn(np.zeros((280, 280, 4), np.uint8)) is None
    pad = np.zeros((280, 280, 4), np.uint8)
    pad[..., 3] = 255
    assert drawn(pad) is None
    pad[100:200, 120:140] = 255
    picture = drawn(pad)
    assert picture is not None
    assert steps_to_digit(picture)[-1].image.max() == 1
