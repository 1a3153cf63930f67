"""Compilation of hot kernels. Import it (it imports numba) only inside the call that needs a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """`njit` without the interpreter's lock, cached on disk where there is a place to write: beside the module,
    else in NUMBA_CACHE_DIR or the user's cache folder; with none of these it is compiled in each process.

    The cache notices a change of the function's own file only: keep the kernels a kernel calls in one file.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)
