"""Folders appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ethpredict.io.directory import atomic_directory


def test_appears_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "models"
    with atomic_directory(target) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "a").write_text("1")
        assert not target.exists()
    assert (target / "inner" / "a").read_text() == "1"
    assert [item.name for item in target.parent.iterdir()] == ["models"]


def test_an_error_leaves_nothing_behind_and_keeps_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "models"
    with atomic_directory(target) as folder:
        (folder / "old").write_text("1")
    with pytest.raises(RuntimeError, match="no luck"), atomic_directory(target) as folder:
        (folder / "new").write_text("2")
        raise RuntimeError("no luck")
    assert [item.name for item in tmp_path.iterdir()] == ["models"]
    assert [item.name for item in target.iterdir()] == ["old"]


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_replaces_a_stale_target(tmp_path: Path, kind: str) -> None:
    target, elsewhere = tmp_path / "models", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("1")
    if kind == "folder":
        target.mkdir()
        (target / "old").write_text("1")
    elif kind == "file":
        target.write_text("1")
    else:
        target.symlink_to(elsewhere)
    with atomic_directory(target) as folder:
        (folder / "new").write_text("2")
    assert [item.name for item in target.iterdir()] == ["new"]
    assert not target.is_symlink()
    assert (elsewhere / "kept").exists()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["elsewhere", "models"]
