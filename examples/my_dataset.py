"""A data set of one's own: a table with one image per row. docs/own_dataset.md explains it.

my_digits.csv holds 20 images of each digit, from "Optical recognition of handwritten digits" (Alpaydin and Kaynak
1998) as scikit-learn ships it: the digit, then 8 x 8 pixels from 0 (black) to 16 (white), row by row.
"""

import numpy as np

from spikeinit.datasets import register
from spikeinit.datasets.readers.labelled import Labelled


@register(
    "my_digits",
    title="200 images of handwritten digits",
    licence="CC BY 4.0",
    classes=10,
    shape=(1, 8, 8),
    files=["my_digits.csv"],
    test_images=50,
)
def read(paths):
    """All images as "train"; 50 of them are set apart for testing, five of each digit."""
    table = np.loadtxt(paths["my_digits.csv"], delimiter=",", dtype=np.int64)
    pixels = np.round(table[:, 1:] * 255 / 16).astype(np.uint8)
    return {"train": Labelled(images=pixels.reshape(-1, 1, 8, 8), labels=table[:, 0])}
