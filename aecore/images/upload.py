"""Pictures that visitors bring: read within memory or refused in one sentence, then made to look like MNIST's digits.

The steps are those of LeCun et al. (1998), after a photograph's paper and ink have been told apart.
"""

import io
import threading
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage
from skimage.filters import threshold_otsu

from aecore.errors import BadInput
from aecore.images.illumination import LEAST_CONTRAST, evenly_lit, rim_of

MOST_BYTES = 50_000_000
# As many as a third of a gigabyte decodes: a JPEG is decoded small, a WebP takes 20 bytes a pixel on the way.
MOST_PIXELS = {"JPEG": 50_000_000, "PNG": 40_000_000, "GIF": 40_000_000, "WEBP": 16_000_000}
WORKING_SIDE = 1024  # longest side that the steps are computed on; a digit keeps 20 of it
BAND = 256  # rows of the smaller picture that are computed at once
SIDE, DIGIT = 28, 20
SPECK = 0.02  # connected ink smaller than this share of the largest piece is dirt
INK = 0.2
PALE = 0.2  # on white paper, ink of less contrast is taken for white ink
_ALLOWED = f"PNG, JPEG, WebP or GIF with at most {min(MOST_PIXELS.values()) // 1_000_000} megapixels"
_decoding = threading.Lock()  # one picture at a time, whatever the number of visitors


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in grey.

    Attributes:
        grey: float32 [h, w] in [0, 1], its longer side at most 1,024.
        notes: what was done to its file, a sentence each.
    """

    grey: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Step:
    """One step on the way to a digit.

    Attributes:
        title: what was done, in a word or two.
        image: float32 [h, w] in [0, 1], how it looks afterwards.
        explanation: why and how, in a sentence.
    """

    title: str
    image: np.ndarray
    explanation: str


def read_picture(data: bytes) -> Picture:
    """Reads a file, whatever it claims to be.

    Args:
        data: the file's content.

    Raises:
        BadInput: it is no picture, damaged, or too large; decided from its header where that is enough.
    """
    if not data:
        raise BadInput("The file is empty: choose a PNG, JPEG or WebP image.")
    if len(data) > MOST_BYTES:
        raise BadInput(f"The file has {len(data) / 1e6:.0f} MB; at most {MOST_BYTES // 1_000_000} MB can be read.")
    try:
        with Image.open(io.BytesIO(data), formats=tuple(MOST_PIXELS)) as image:  # reads no more than the header
            _refuse_large(image)
            with _decoding:
                return _in_grey(image)
    except BadInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadInput(f"The image has too many pixels: choose a {_ALLOWED}.") from None
    # A damaged file can raise nearly anything: OSError, SyntaxError, ValueError, EOFError, struct.error, MemoryError.
    except Exception as error:
        known = not isinstance(error, Image.UnidentifiedImageError)
        what = "The image is damaged and cannot be decoded" if known else "The file is no image that can be read here"
        raise BadInput(f"{what}: choose a {_ALLOWED}.") from error


def drawn(canvas: np.ndarray) -> Picture | None:
    """The picture on a drawing pad, uint8 [h, w, 4]; None where nothing was drawn."""
    grey = canvas[..., :3].mean(axis=-1, dtype=np.float32) / 255 * (canvas[..., 3].astype(np.float32) / 255)
    return Picture(grey) if np.ptp(grey) > LEAST_CONTRAST else None


def steps_to_digit(picture: Picture) -> tuple[Step, ...]:
    """Makes a picture look like MNIST's digits: white on black, in a box of 20×20, centred in 28×28 by its mass.

    Returns:
        The steps in their order; the last one's image is float32 [28, 28].

    Raises:
        BadInput: there is nothing on it.
    """
    grey = picture.grey
    steps = [Step("Grey", grey, "Brightness alone, 0 for black and 1 for white.")]
    bright = float(np.median(grey[rim_of(grey.shape)])) > 0.5
    illumination = 1 - grey if bright else grey
    steps.append(Step("Inverted" if bright else "Not inverted", illumination,
                      "The rim is bright, so this is ink on paper: black and white change places." if bright
                      else "The rim is dark already, as in MNIST."))  # fmt: skip
    even = evenly_lit(illumination, bright)
    clear = _contrasted(even)
    explanation = (
        "" if even is illumination else "The light fell unevenly: how the paper's shade changes is taken away. "
    )
    steps.append(Step("Contrast", clear, f"{explanation}The background's shade becomes black and the ink's white."))
    box = _box(clear)
    cropped = clear[box]
    steps.append(Step("Cropped", cropped, "The smallest box around the ink; specks of dirt do not count."))
    scale = DIGIT / max(cropped.shape)
    height, width = (max(1, round(length * scale)) for length in cropped.shape)
    small = np.asarray(Image.fromarray(cropped).resize((width, height), Image.Resampling.BILINEAR), np.float32)
    small = np.clip(small / max(float(small.max()), 1e-6), 0, 1)
    steps.append(Step("Scaled", small, f"Fitted into {DIGIT}×{DIGIT} pixels, its proportions kept, edges smoothed."))
    centred = _centred(small)
    explanation = f"Placed in {SIDE}×{SIDE} pixels with its centre of mass at ({SIDE // 2}, {SIDE // 2})."
    return (*steps, Step("Centred", centred, explanation))


def _refuse_large(image: Image.Image) -> None:
    width, height = image.size
    most, file_format = MOST_PIXELS[image.format or ""], image.format
    if width * height > most:
        raise BadInput(f"The image has {width * height / 1e6:.0f} megapixels ({width:,}×{height:,}), and a "
                       f"{file_format} may have {most // 1_000_000}: make it smaller.")  # fmt: skip


def _in_grey(image: Image.Image) -> Picture:
    """Decodes the first frame, upright and no larger than needed."""
    notes = []
    if getattr(image, "is_animated", False):
        notes.append("The image is animated: its first frame is used.")
    size, mode = image.size, image.mode
    image.draft(None, (WORKING_SIDE, WORKING_SIDE))  # a large JPEG is decoded small
    small = ImageOps.exif_transpose(_smaller(image))
    if mode.startswith("I") or mode == "F":
        notes.append("It has 16 bits a pixel: they are scaled to [0, 1].")
        grey = np.asarray(small).astype(np.float32) / np.float32(65535)
    else:
        if mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
            notes.append(f"Its colours are {mode}: they are converted to red, green and blue.")
        if small.has_transparency_data:
            grey, background = _on_background(small)
            notes.append(f"What is transparent is seen as {background}.")
        else:
            grey = _brightness(small if small.mode == "L" else small.convert("RGB"))
    if max(size) > WORKING_SIDE:
        height, width = grey.shape
        notes.append(f"It has {size[0]:,}×{size[1]:,} pixels: the steps are computed on {width}×{height}.")
    return Picture(np.clip(grey, 0, 1), tuple(notes))


def _smaller(image: Image.Image) -> Image.Image:
    """The picture with neighbouring pixels averaged, a band at a time: Pillow copies what it averages."""
    if image.mode in ("1", "P", "PA") or (image.mode in ("L", "RGB") and "transparency" in image.info):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    factor = -(-max(image.size) // WORKING_SIDE)
    mode = "I" if image.mode.startswith("I") else image.mode
    width, height = image.size
    found = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, BAND * factor):
        band = image.crop((0, top, width, min(height, top + BAND * factor)))
        found.paste((band if band.mode == mode else band.convert(mode)).reduce(factor), (0, top // factor))
    found.info = dict(image.info)  # which way is up
    return found


def _on_background(image: Image.Image) -> tuple[np.ndarray, str]:
    """Composed over white, or over black where the ink is itself white; in grey, and said."""
    image = image.convert("RGBA")

    def over(shade: int) -> np.ndarray:
        return _brightness(Image.alpha_composite(Image.new("RGBA", image.size, (shade, shade, shade, 255)), image))

    white = over(255)
    return (white, "white paper") if np.ptp(white) > PALE else (over(0), "black, as the ink is white")


def _brightness(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"), np.float32) / np.float32(255)


def _contrasted(illumination: np.ndarray) -> np.ndarray:
    """Background to 0 and ink to 1; what varies like the background stays background."""
    if np.ptp(illumination) < LEAST_CONTRAST:
        raise BadInput("There is nothing to see on the image: all of it has nearly one shade.")
    threshold = float(threshold_otsu(illumination))
    background, ink = illumination[illumination <= threshold], illumination[illumination > threshold]
    level = float(np.median(background))
    noise = 3 * 1.4826 * float(np.median(np.abs(background - level)))
    low, high = level + noise, float(np.percentile(ink, 90))
    if high - low < LEAST_CONTRAST:
        low = min(threshold, high - LEAST_CONTRAST)
    return np.clip((illumination - low) / np.float32(high - low), 0, 1).astype(np.float32)


def _box(clear: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that hold the ink, without specks."""
    mask = clear > INK
    found = ndimage.label(mask, np.ones((3, 3)))
    pieces = np.asarray(found[0])  # pyright: ignore[reportIndexIssue]
    sizes = np.bincount(pieces.ravel())[1:]
    kept = np.flatnonzero(sizes >= SPECK * sizes.max()) + 1
    mask = np.isin(pieces, kept)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _centred(small: np.ndarray) -> np.ndarray:
    """Moved by whole pixels, so that the centre of mass comes to lie where MNIST's digits have it, at (14, 14)."""
    mass = float(small.sum())
    corner = []
    for axis, length in enumerate(small.shape):
        profile = small.sum(axis=1 - axis)
        middle = float(profile @ np.arange(length)) / mass
        corner.append(int(np.clip(round(SIDE / 2 - middle), 0, SIDE - length)))
    field = np.zeros((SIDE, SIDE), np.float32)
    field[corner[0] : corner[0] + small.shape[0], corner[1] : corner[1] + small.shape[1]] = small
    return field
