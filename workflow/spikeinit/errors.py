"""The one exception a user is meant to read."""

from __future__ import annotations

import sys
from collections.abc import Callable


class UserError(Exception):
    """Something the user gave, or the machine lacks, stops the work.

    The message says what, where, the value given, the values allowed and the remedy, in one or two lines;
    it is printed without a traceback. Everything else that escapes is a bug and keeps its traceback.
    """


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage's `main`; a `UserError` becomes one line on stderr and exit status 2, as does a GPU without room."""
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's, without importing torch for it
            raise
        need_and_have = ". ".join(str(error).split(". ")[:4])
        print(
            f"error: the GPU's memory is full: {need_and_have}; lower batch_size (training, evaluation) or timesteps,"
            " let fewer jobs share it (gpu_jobs), or set device: cpu; finished epochs are kept",
            file=sys.stderr,
        )
        sys.exit(2)
