"""Code digests see what changes a result, and nothing else; secrets are blacked out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ethpredict import provenance

FILES = {
    "scripts/job.py": '"""Doc."""\nfrom ethpredict.a import run\nrun()\n',
    "ethpredict/__init__.py": "",
    "ethpredict/errors.py": "x = 1\n",
    "ethpredict/a/__init__.py": (
        "from ethpredict.a.one import run\nfrom ethpredict.a.two import other\n"
    ),
    "ethpredict/a/one.py": (
        '"""One."""\nfrom ethpredict import errors\nfrom ethpredict.b import _kernels\n\n\n'
        'def run():\n    """Run."""\n    return _kernels.f(1)\n'
    ),
    "ethpredict/a/two.py": "def other():\n    return 2\n",
    "ethpredict/b/__init__.py": "",
    "ethpredict/b/_kernels.py": "def f(x):\n    return x\n",
    "ethpredict/report/page.css": "p {}\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project of the same shape."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def digest(project: Path, *assets: str) -> str:
    """Digest without the caches of this process."""
    provenance._closure.cache_clear()
    return provenance.code_digest("scripts/job.py", assets, project)


@pytest.mark.parametrize(
    ("name", "old", "new", "changes"),
    [
        ("scripts/job.py", "run()\n", "run()  # now\n", False),
        ("scripts/job.py", "Doc.", "Other words.", False),
        ("ethpredict/a/one.py", "Run.", "Runs all.", False),
        ("ethpredict/a/one.py", "f(1)", "f(2)", True),
        ("ethpredict/b/_kernels.py", "return x", "return x + 1", True),
        ("ethpredict/a/two.py", "return 2", "return 3", False),
        ("ethpredict/errors.py", "x = 1", "x = 2", False),
        ("ethpredict/report/page.css", "p {}", "p {color: red}", False),
    ],
)
def test_only_what_changes_a_result_changes_the_digest(
    project: Path, name: str, old: str, new: str, changes: bool
) -> None:
    before = digest(project)
    path = project / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert (digest(project) != before) == changes


def test_assets_count_where_they_are_named(project: Path) -> None:
    before = digest(project, "ethpredict/report")
    (project / "ethpredict/report/page.css").write_text("p {color: red}\n", encoding="utf-8")
    assert digest(project, "ethpredict/report") != before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("url?x=0123456789abcdef", "url?x=***"),
        ("+  token: hush", "+  token: ***"),
        ("Authorization: Apikey SECRET", "Authorization: ***"),
        ('"authorization": "Bearer SECRET"', '"authorization": ***'),
        ("private_key: 0xabc", "private_key: ***"),
        ("https://user:pw@host/x", "https://***@host/x"),
        ("+gamma: 1", "+gamma: 1"),
    ],
)
def test_secrets_are_blacked_out(monkeypatch: pytest.MonkeyPatch, text: str, shown: str) -> None:
    monkeypatch.setenv("SOME_API_KEY", "0123456789abcdef")
    assert provenance.redact(f"{text}\n+next: 2\n") == f"{shown}\n+next: 2\n"


@pytest.mark.parametrize("kept", ["{", "[]", '{"made_by": ["2.7", "x"], "files": {"a": [1]}}'])
def test_a_cache_of_another_maker_is_none(tmp_path: Path, kept: str) -> None:
    (tmp_path / "syntax.json").write_text(kept, encoding="utf-8")
    before = dict(provenance._KNOWN)
    provenance.remember(tmp_path / "syntax.json")
    assert before == provenance._KNOWN


def test_a_file_replaced_by_an_older_one_is_another_file(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_text("a", encoding="utf-8")
    before = provenance.file_digest(str(path))
    path.write_text("b", encoding="utf-8")
    os.utime(path, (1, 1))
    assert provenance.file_digest(str(path)) != before


def test_versions_and_machine_say_what_ran_without_naming_the_host() -> None:
    assert provenance.versions()["numpy"]
    assert os.uname().nodename not in str(provenance.machine())


def test_outside_git_there_is_no_commit(tmp_path: Path) -> None:
    assert provenance.checkout(tmp_path)["sha"] is None


def test_what_is_kept_is_used_until_a_file_is_written_again(project: Path) -> None:
    before = digest(project)
    kept = project / ".snakemake" / "syntax.json"
    provenance.keep(kept)
    assert not kept.exists()  # a parse writes nothing outside Snakemake's own folder
    kept.parent.mkdir()
    provenance.keep(kept)
    provenance._KNOWN.clear()
    provenance.remember(kept)
    assert digest(project) == before
    # another module gives the symbol now, though the file that imports it is the same
    path = project / "ethpredict" / "a" / "__init__.py"
    path.write_text("from ethpredict.a.two import other as run\n", encoding="utf-8")
    assert digest(project) != before
