"""Which of many tests are significant when a share of false ones is accepted (docs/methods/association.md).

Benjamini & Hochberg 1995; for local statistics, Caldas de Castro & Singer 2006.
"""

from __future__ import annotations

import numpy as np

from surveillance.types import FloatArray


def adjust_fdr(p: FloatArray) -> FloatArray:
    """Benjamini–Hochberg adjusted p of the (N,) `p`: significant at rate α where the result is at most α.

    NaN (an area that was not judged) stays and is not counted among the tests.
    """
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    falling = known[np.argsort(-p[known], kind="stable")]
    ranks = np.arange(falling.size, 0, -1)
    adjusted[falling] = np.minimum(np.minimum.accumulate(p[falling] * falling.size / ranks), 1)
    return adjusted


def fdr_cutoff(p: FloatArray, *, alpha: float = 0.05) -> float:
    """The largest of the (N,) `p` that is significant at false discovery rate `alpha`; −1 when none is.

    Caldas de Castro & Singer 2006, for local statistics: largest p_(i) ≤ i α / n.
    """
    significant = p[adjust_fdr(p) <= alpha]
    return float(significant.max()) if significant.size else -1.0
