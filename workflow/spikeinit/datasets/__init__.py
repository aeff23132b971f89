"""Data sets: what there is (catalogue), getting the files (obtain), reading them (readers), preparing, loading.

    original files --obtain--> verified --readers--> arrays --prepare--> results/datasets/<name>/ --load--> tensors

Every file is checked against its SHA-256 before it is read, and every reader refuses what is malformed, so nothing
behind `prepare` has to doubt its images. A user's own reader is registered with `register`, see `own`, and what it
returns is checked in `readers.own`.
"""

from spikeinit.datasets.entry import File
from spikeinit.datasets.own import register

__all__ = ["File", "register"]
