"""The CUSUM filter against its plain loop; its events are tested with the features."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.rolling import _kernels, reference


@given(st.integers(0, 120), st.integers(0, 2**32 - 1))
def test_marks_kernel_is_the_plain_reference(n, seed):
    rng = np.random.default_rng(seed)
    changes, limits = rng.normal(size=n), rng.uniform(0.5, 3.0, n)
    changes[rng.random(n) < 0.05] = np.nan
    limits[rng.random(n) < 0.05] = np.nan
    np.testing.assert_array_equal(
        _kernels.cusum_marks(changes, limits), reference.cusum_marks(changes, limits)
    )
