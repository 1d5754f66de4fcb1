"""What there is to train on, by name: image datasets in `DATASETS`, sentence corpora in `CORPORA`."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

Modality = Literal["images", "sentences"]


class DataFile(NamedTuple):
    """One file of a dataset.

    Attributes:
        name: file name, the same at the address it comes from.
        hash: checksum of the file as distributed, "sha256:…" or "md5:…".
        bytes: its size; only progress and the text for a visitor use it.
    """

    name: str
    hash: str
    bytes: int


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset without reading it.

    Attributes:
        name: key in `DATASETS` or `CORPORA`.
        title: name for a visitor.
        description: what the images or sentences are, and how held-out images were chosen.
        licence: short name of the licence.
        source: address of the people who made it, or "" for a visitor's own.
        train_size: number of training images; 0 for a corpus.
        test_size: number of held-out images; 0 for a corpus.
        classes: name of each class; the label is the position. A corpus has none.
        files: what has to be downloaded; empty for data that comes with a library.
        folders: subfolders in which the files may lie, the first being where they are downloaded to.
        image_shape: (height, width, channels); () for a corpus.
        modality: whether it holds images or sentences.
        unpacked: files that may lie there in place of `files`, all of them.
        address: the setting that holds the address of `files`.
        comes_with: where data without files is from.
    """

    name: str
    title: str
    description: str
    licence: str
    source: str
    train_size: int = 0
    test_size: int = 0
    classes: tuple[str, ...] = ()
    files: tuple[DataFile, ...] = ()
    folders: tuple[str, ...] = ("",)
    image_shape: tuple[int, ...] = (28, 28, 1)
    modality: Modality = "images"
    unpacked: tuple[str, ...] = ()
    address: Literal["data_url", "reuters_url"] = "data_url"
    comes_with: str = "scikit-learn"


@dataclass(frozen=True)
class DatasetStatus:
    """A dataset on this machine.

    Attributes:
        available: whether all its files were found; whether they can be read is known once they are loaded.
        where: folder in which they were found, the library for data that comes with one, or None.
        how: how to get it, for a visitor.
        modality: what it holds; word vectors have a status as well.
    """

    name: str
    title: str
    licence: str
    source: str
    image_shape: tuple[int, ...]
    train_size: int
    test_size: int
    available: bool
    where: str | None
    how: str
    modality: Literal["images", "sentences", "vectors"] = "images"

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON knows them."""
        return asdict(self) | {"image_shape": list(self.image_shape)}


_DIGITS = tuple("0123456789")
_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

DATASETS: dict[str, DatasetInfo] = {
    dataset.name: dataset
    for dataset in (
        DatasetInfo(
            name="digits",
            title="Digits",
            description=(
                "1,797 handwritten digits of 8x8 pixels in 17 shades, enlarged to 28x28. They come with scikit-learn "
                "and need no download. There is no published split; the last 360 are held out."
            ),
            licence="CC BY 4.0",
            source="https://archive.ics.uci.edu/dataset/80",
            train_size=1437,
            test_size=360,
            classes=_DIGITS,
        ),
        DatasetInfo(
            name="mnist",
            title="MNIST",
            description="70,000 handwritten digits of 28x28 pixels; the published 10,000 test images are held out.",
            licence="CC BY-SA 3.0",
            source="http://yann.lecun.com/exdb/mnist/",
            train_size=60_000,
            test_size=10_000,
            classes=_DIGITS,
            files=(
                DataFile(
                    "mnist.npz",
                    "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
                    11_490_434,
                ),
            ),
        ),
        DatasetInfo(
            name="fashion_mnist",
            title="Fashion-MNIST",
            description=(
                "70,000 photographs of clothes, bags and shoes of 28x28 pixels; the published 10,000 test images are "
                "held out."
            ),
            licence="MIT",
            source="https://github.com/zalandoresearch/fashion-mnist",
            train_size=60_000,
            test_size=10_000,
            classes=_CLOTHES,
            files=(
                DataFile("train-images-idx3-ubyte.gz", "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
                DataFile("train-labels-idx1-ubyte.gz", "md5:25c81989df183df01b3e8a0aad5dffbe", 29_515),
                DataFile("t10k-images-idx3-ubyte.gz", "md5:bef4ecab320f06d8554ea6380940ec79", 4_422_102),
                DataFile("t10k-labels-idx1-ubyte.gz", "md5:bb300cfdad3c16e7a12a480ee83cd310", 5_148),
            ),
            # Never loose at the top: MNIST's own IDX files bear the same names.
            folders=("fashion-mnist", "fashion_mnist"),
        ),
    )
}

PYTHON_DOCS, REUTERS = "python-docs", "reuters"

CORPORA: dict[str, DatasetInfo] = {
    corpus.name: corpus
    for corpus in (
        DatasetInfo(
            name=PYTHON_DOCS,
            title="Python docs",
            description=(
                "Sentences from the reference of Python and from the docstrings of the scientific packages that the "
                "dashboard is installed with. They need no download, and differ with the versions installed: a run "
                "stores theirs with the name."
            ),
            licence="PSF, BSD and Apache 2.0",
            source="https://docs.python.org/3/reference/",
            image_shape=(),
            modality="sentences",
            comes_with="Python and its packages",
        ),
        DatasetInfo(
            name=REUTERS,
            title="Reuters-21578",
            description="News of the Reuters newswire in 1987: the documents that carry a tag, title and body.",
            licence="free for research",
            source="http://kdd.ics.uci.edu/databases/reuters21578/reuters21578.html",
            files=(
                DataFile(
                    "reuters21578.tar.gz",
                    "sha256:437c6704fa88ed12a4719228e84dc43e28eece7819876bedce945ea1e69a6972",
                    8_150_053,
                ),
            ),
            folders=("", "reuters21578"),
            image_shape=(),
            modality="sentences",
            unpacked=tuple(f"reut2-{number:03d}.sgm" for number in range(22)),
            address="reuters_url",
        ),
    )
}
