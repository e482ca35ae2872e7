"""The made-up study on disk, made once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.report.study_fixture import build_study


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Inputs of the report script for a finished study."""
    folder: Path = tmp_path_factory.mktemp("study")
    return build_study(folder)
