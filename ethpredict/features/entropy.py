"""Shannon entropy of encoded returns."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np

from ethpredict.features import _kernels
from ethpredict.features.block import Column, Market, Part, Settings

WORD = 3


def shannon_entropy(message: Iterable[Hashable]) -> float:
    """Entropy of the letters of a message.

    Parameters
    ----------
    message : str or sequence
        Letters; any values that can be compared and sorted.

    Returns
    -------
    float, bits
        ``-sum p log2 p`` over the letters' frequencies; 0 for an empty message.

    References
    ----------
    Shannon (1948), doi:10.1002/j.1538-7305.1948.tb01338.x, section 6.

    Examples
    --------
    >>> shannon_entropy("11100001")
    1.0
    >>> shannon_entropy([0, 0, 0, 1])
    0.8112781244591328
    """
    _, counts = np.unique(np.array(list(message)), return_counts=True)
    return float(_kernels.entropy_of_counts(counts.astype(np.int64), int(counts.sum())))


def entropy(market: Market, settings: Settings) -> list[Part]:
    """Rolling entropy of the signs of returns, and of words of three signs.

    Parameters
    ----------
    market : Market
        Bars.
    settings : mapping
        ``entropy_window`` w (letters or words counted).

    Returns
    -------
    list of Column
        ``entropy_sign``: bits per letter, letters down, flat and up, in
        [0, log2 3]. Warm-up and memory: w rows.

        ``entropy_words``: bits per overlapping word of three letters, in
        [0, 3 log2 3]; it falls when signs follow a pattern. Warm-up and
        memory: w + 2 rows.

    References
    ----------
    Lopez de Prado (2018), ch. 18 (encoding by sign, 18.5).
    """
    window = int(settings["entropy_window"])
    sign = np.where(np.isnan(market.returns), 0, np.sign(market.returns) + 1).astype(np.int64)
    word = sign.copy()
    for back in range(1, WORD):
        word[back:] += sign[:-back] * 3**back
    word_run = np.maximum(market.returns_run - (WORD - 1), 0)
    return [
        Column(
            "entropy_sign",
            _kernels.rolling_entropy(sign, market.returns_run, window, 3),
            window,
            window,
        ),
        Column(
            "entropy_words",
            _kernels.rolling_entropy(word, word_run, window, 3**WORD),
            window + WORD - 1,
            window + WORD - 1,
        ),
    ]
