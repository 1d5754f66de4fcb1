"""Datasets, corpora and word vectors: what there is, how to get more, and a visitor's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aecore import datasets
from aecore.analysis.baseline import LinearBaseline
from aecore.datasets import text
from aecore.errors import BadInput
from aecore.runs.background import BackgroundTasks, TaskStatus
from aecore.schema import ImageConfig
from aecore.settings import Settings

EXAMPLE_CLASS = 3


class Data:
    """What can be learnt on this machine.

    Args:
        settings: where things are.
        downloads: of all who share this machine.
    """

    def __init__(self, settings: Settings, downloads: BackgroundTasks):
        self.settings = settings
        self._tasks = downloads

    def dataset(self, name: str) -> datasets.DatasetStatus:
        """Whether a dataset, or GloVe vectors such as "glove-50", are here, where, and how to get them.

        Raises:
            BadInput: there is none of that name.
        """
        size = text.glove_size(name)
        return datasets.status(name, self.settings) if size is None else text.glove_status(size, self.settings)

    def datasets(self, modality: datasets.Modality = "images") -> list[datasets.DatasetStatus]:
        """All datasets of a kind, a visitor's own texts at the end."""
        return [self.dataset(name) for name in datasets.names(modality, self.settings)]

    def corpus(self, name: str, progress: Callable[[float, str], None] | None = None) -> text.Corpus:
        """The sentences of a corpus; see `aecore.datasets.text.load_corpus`.

        Raises:
            BadInput: there is no corpus of that name.
            DataMissing: it is not here, or damaged.
            StorageError: what was read cannot be kept.
        """
        return text.load_corpus(name, self.settings, progress)

    def corpus_statistics(self, name: str, progress: Callable[[float, str], None] | None = None) -> dict[str, Any]:
        """What a corpus holds, in figures; raises what `corpus` does."""
        return text.corpus_statistics(self.corpus(name, progress))

    def add_text(self, filename: str, data: bytes) -> str:
        """Keeps a text of the visitor's own; returns the name of the dataset.

        Raises:
            BadInput: it cannot be used, in one sentence.
            StorageError: it cannot be written.
        """
        self._check_size(len(data))
        return text.add_text(filename, data, self.settings)

    def remove_text(self, name: str) -> None:
        """Deletes an own text; runs that were trained on it stay.

        Raises:
            BadInput: there is none of that name.
        """
        text.remove_text(name, self.settings)

    def add_vectors(self, filename: str, data: bytes | Path) -> str:
        """Keeps word vectors in GloVe's format, given by content or path; returns their name, such as "glove-50".

        Raises:
            BadInput: it is no such file; the message names the line.
            StorageError: it cannot be written.
        """
        self._check_size(len(data) if isinstance(data, bytes) else 0)
        return text.add_glove(filename, data, self.settings)

    def add_file(self, file: Path) -> str:
        """Keeps a file of this machine as an own text, or as word vectors; returns the name that `dataset` takes.

        Raises:
            BadInput: it cannot be read or used, in one sentence.
            StorageError: it cannot be written.
        """
        return text.add_file(file, self.settings)

    def classes(self, name: str) -> tuple[str, ...]:
        """Names of a dataset's classes; a label is the position."""
        return datasets.info(name, self.settings).classes

    def preview(self, name: str, hyper: ImageConfig, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Ten held-out images, one of each class, clean and corrupted: both float32 [10, h, w] in [0, 1].

        Raises:
            DataMissing: the dataset is not here.
        """
        clean = datasets.preview(name, self.settings).astype(np.float32) / 255
        return clean, np.clip(datasets.corrupt(clean, hyper, seed), 0, 1)

    def linear_example(self, code_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A held-out digit through the simplest autoencoder of all, PCA fitted on the digits.

        Returns:
            The image float32 [h, w], its code float32 [code_size] and the reconstruction float32 [h, w].
        """
        images = datasets.load("digits", self.settings)
        pca = LinearBaseline.fit(images.x_train.astype(np.float32) / 255, None, code_size)
        image = images.x_test[datasets.preview_indices(images.y_test)[EXAMPLE_CLASS]].astype(np.float32) / 255
        code = pca.encode(image[None])
        return image[..., 0], code[0], np.clip(pca.decode(code), 0, 1).reshape(image.shape)[..., 0]

    def download(self, name: str) -> None:
        """Starts fetching a dataset in the background; `download_status` tells how far it is, in bytes."""
        self._tasks.start(
            name, lambda report: self.download_now(name, lambda done, total: report(done, total, "downloading"))
        )

    def download_now(self, name: str, progress: Any = None) -> None:
        """Fetches a dataset, or GloVe vectors, and returns when they are here.

        Args:
            name: the dataset, or "glove-50", "glove-100", "glove-200" or "glove-300".
            progress: called with the bytes done and the bytes in all.

        Raises:
            BadInput: there is none of that name.
            DataMissing: it cannot be fetched; the message says what to do.
            StorageError: it cannot be written.
        """
        size = text.glove_size(name)
        if size is None:
            datasets.download(name, self.settings, progress)
        else:
            text.download_glove(size, self.settings, progress)

    def download_status(self, name: str) -> TaskStatus:
        """The last download of a dataset; an inactive one where there was none."""
        return self._tasks.status(name)

    def _check_size(self, size: int) -> None:
        most = self.settings.limits.upload_megabytes
        if self.settings.workspace and size > most * 1_000_000:
            raise BadInput(f"A file may have {most} MB here, and this one has {size / 1e6:.1f} MB: cut it first.")
