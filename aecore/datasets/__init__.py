"""Images to train on: what there is, where it lies, how to get it, and how it is corrupted.

`catalogue` lists the datasets, `registry` finds them, `load` reads them, `download` fetches them on request,
`corruption` adds noise. Sentences are in `aecore.datasets.text`. Nothing here imports TensorFlow.
"""

from aecore.datasets.catalogue import CORPORA, DATASETS, DataFile, DatasetInfo, DatasetStatus, Modality
from aecore.datasets.corruption import corrupt
from aecore.datasets.download import download
from aecore.datasets.evaluation import as_pixels, corrupted_test, evaluation_images, images_of, pictured
from aecore.datasets.load import Images, fixed_indices, load, preview, preview_indices
from aecore.datasets.registry import info, names, status, without_version

__all__ = [
    "CORPORA",
    "DATASETS",
    "DataFile",
    "DatasetInfo",
    "DatasetStatus",
    "Images",
    "Modality",
    "as_pixels",
    "corrupt",
    "corrupted_test",
    "download",
    "evaluation_images",
    "fixed_indices",
    "images_of",
    "info",
    "load",
    "names",
    "pictured",
    "preview",
    "preview_indices",
    "status",
    "without_version",
]
