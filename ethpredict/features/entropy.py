"""Entropy of encoded returns: Shannon's, plug-in, Lempel and Ziv's, Kontoyiannis'."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from ethpredict.features import _kernels, _message_kernels
from ethpredict.features.block import Column, Floats, Market, Part, Settings

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


def plug_in_entropy(message: Sequence[Hashable], word: int) -> float:
    """Entropy rate by the frequencies of words.

    Parameters
    ----------
    message : str or sequence
        Letters.
    word : int, 1 <= word < len(message)
        Length of the words, which overlap.

    Returns
    -------
    float, bits per letter
        Entropy of the words over their length. As in the source, the word
        that ends with the last letter is not counted.

    References
    ----------
    Lopez de Prado (2018), snippet 18.1.

    Examples
    --------
    >>> round(plug_in_entropy("101010101", 2), 4)
    0.4926
    """
    if not 1 <= word < len(message):
        raise ValueError(f"word = {word}: must be in 1 .. {len(message) - 1}, below the message")
    words = [tuple(message[i - word : i]) for i in range(word, len(message))]
    ids = {letters: number for number, letters in enumerate(dict.fromkeys(words))}
    return shannon_entropy([ids[letters] for letters in words]) / word


def lempel_ziv(message: Sequence[Hashable]) -> float:
    """Phrases of Lempel and Ziv's parse per letter: small where a message repeats itself.

    Parameters
    ----------
    message : str or sequence
        Letters.

    Returns
    -------
    float, in [0, 1]
        Size of the library over the length of the message; 0 for an empty one.

    Notes
    -----
    Each phrase is the shortest that the library does not hold yet; a last one
    that it does hold is not counted.

    References
    ----------
    Ziv and Lempel (1978), doi:10.1109/TIT.1978.1055934. Lopez de Prado (2018),
    snippet 18.2.

    Examples
    --------
    >>> lempel_ziv("11100001")
    0.625
    """
    library: set[tuple[int, Hashable]] = set()
    nodes: dict[tuple[int, Hashable], int] = {}
    node = 0
    for letter in message:
        if (node, letter) in library:
            node = nodes[node, letter]
            continue
        library.add((node, letter))
        nodes[node, letter] = len(library)
        node = 0
    return len(library) / len(message) if len(message) else 0.0


def kontoyiannis(message: Sequence[Hashable], window: int | None = None) -> float:
    """Entropy rate by the lengths of matches with the past.

    Parameters
    ----------
    message : str or sequence
        Letters, at least 2.
    window : int, optional
        Fixed look-back n, >= 1; at most half the message. None: position i
        looks back over all i letters before it, in the first half.

    Returns
    -------
    float, bits per letter
        Mean of ``log2(n + 1) / L_i``; L_i is one more than the longest run of
        letters from i on that also starts at one of the n places before i,
        overlap allowed, runs of at most n letters.

    References
    ----------
    Kontoyiannis, Algoet, Suhov and Wyner (1998), doi:10.1109/18.669425. Gao,
    Kontoyiannis and Bienenstock (2008), doi:10.3390/entropy-e10020071. Lopez
    de Prado (2018), snippets 18.3-18.4.

    Examples
    --------
    >>> kontoyiannis("10" * 15, 3)
    0.5
    """
    if len(message) < 2 or (window is not None and window < 1):
        raise ValueError("a message of at least 2 letters and a window of at least 1 are needed")
    _, codes = np.unique(np.array(list(message)), return_inverse=True)
    letters, half = codes.astype(np.int64), len(message) // 2
    if window is None:
        looks = [(i, i) for i in range(1, half + 1)]
    else:
        look = min(window, half)
        looks = [(i, look) for i in range(look, len(message) - look + 1)]
    parts = [
        math.log2(look + 1) / (_message_kernels.longest_match(letters, i, look) + 1)
        for i, look in looks
    ]
    return math.fsum(parts) / len(parts)


def entropy(market: Market, settings: Settings) -> list[Part]:
    """Rolling entropy of the signs of returns, by four estimators.

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

        ``entropy_lempel_ziv``: :func:`lempel_ziv` of the last w letters,
        phrases per letter. Warm-up and memory: w rows.

        ``entropy_kontoyiannis``: :func:`kontoyiannis` of the last w letters
        with the fixed look-back w // 3 for every position, bits per letter.
        Warm-up and memory: w rows.

    References
    ----------
    Lopez de Prado (2018), ch. 18 (encoding by sign, 18.5).
    """
    window = int(settings["entropy_window"])
    sign = np.where(np.isnan(market.returns), 0, np.sign(market.returns) + 1).astype(np.int64)
    word = sign.copy()
    for back in range(1, WORD):
        word[back:] += sign[:-back] * 3**back
    run = market.returns_run
    word_run = np.maximum(run - (WORD - 1), 0)
    return [
        Column(
            "entropy_sign",
            _kernels.rolling_entropy(sign, run, window, 3),
            window,
            window,
        ),
        Column(
            "entropy_words",
            _kernels.rolling_entropy(word, word_run, window, 3**WORD),
            window + WORD - 1,
            window + WORD - 1,
        ),
        Column(
            "entropy_lempel_ziv",
            _message_kernels.rolling_phrases(sign, run, window, 3) / window,
            window,
            window,
        ),
        Column(
            "entropy_kontoyiannis",
            _matches(sign, market, window, max(1, window // 3)),
            window,
            window,
        ),
    ]


def _matches(sign: np.ndarray, market: Market, window: int, look: int) -> Floats:
    """Rolling Kontoyiannis: each position's match is found once and stays in the mean."""
    lengths = _message_kernels.match_lengths(sign, market.returns_run, look)
    parts = math.log2(look + 1) / (lengths + 1.0)
    count = window - 2 * look + 1
    total = market.window_sum(parts, count)
    return np.where(market.returns_run >= window, total / count, np.nan)
