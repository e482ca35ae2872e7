"""One set-up of logging for scripts; the package itself only gets loggers."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import TracebackType

from ethpredict.errors import EthPredictError


def setup(path: str | Path | None = None, level: int = logging.INFO) -> logging.Logger:
    """Send log lines to a file (or standard error) and catch uncaught errors.

    An :class:`EthPredictError` is logged as its one clear line; any other
    exception with its traceback.

    Parameters
    ----------
    path : path-like, optional
        Log file, overwritten. Standard error when missing.
    level : int
        Lowest level that is written.

    Returns
    -------
    logging.Logger
        The package's logger.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    logging.basicConfig(
        level=level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=handlers,
        force=True,
    )
    logger = logging.getLogger("ethpredict")

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, EthPredictError):
            logger.error("%s: %s", kind.__name__, error)
        else:
            logger.critical("uncaught error", exc_info=(kind, error, trace))

    sys.excepthook = report
    return logger
