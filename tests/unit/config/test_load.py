"""One YAML becomes checked settings; what is wrong is named with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ethpredict.config.load import Config, load
from ethpredict.config.schema import applicable, leaves, tree
from ethpredict.config.template import looks_secret
from ethpredict.errors import ConfigError


def config(tmp_path: Path, text: str, env: dict[str, str] | None = None, **cli: object) -> Config:
    """Load a YAML text."""
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return load([path], cli, env or {})


def refusal(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> ConfigError:
    """Error that a YAML text ends in."""
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, text, env)
    return caught.value


def test_empty_file_gives_the_schemas_defaults(tmp_path: Path) -> None:
    values = config(tmp_path, "").values
    assert list(values) == list(leaves())
    assert values["quoting.gamma"] == leaves()["quoting.gamma"].default


def test_every_setting_has_a_stage_a_description_and_a_legal_default() -> None:
    for key, leaf in leaves().items():
        assert len(leaf.rule["description"]) > 5, key
        assert leaf.canonical(leaf.default) == leaf.default, key
        for other, allowed in (*leaf.applies, *leaf.unless):
            whole = "array" in leaves()[other].types
            for value in allowed:
                taken = [value] if whole else value
                assert leaves()[other].canonical(taken) == taken, key


@pytest.mark.parametrize(
    ("venue", "strategy", "counts"),
    [
        ("lob", "glft", True),
        ("lob", "fixed_spread", True),
        ("lob", "hold", False),
        ("lob", "none", False),
        ("amm", "glft", True),
        ("amm", "hold", True),
        ("amm", "none", False),
    ],
)
def test_latency_counts_where_the_simulator_reads_it(
    venue: str, strategy: str, counts: bool
) -> None:
    values = {key: leaf.default for key, leaf in leaves().items()}
    values |= {"sim.venue": venue, "quoting.strategy": strategy}
    assert ("sim.latency_ms" in applicable(values)) == counts


@pytest.mark.parametrize("name", ["eth_1h_real", "eth_5m_real"])
def test_examples_on_candles_name_their_gas_price(root: Path, name: str) -> None:
    values = load([root / "config" / "examples" / f"{name}.yaml"], {}, {}).values
    assert values["data.source"] == "files"
    assert values["sim.amm.use_block_fees"] is False
    assert values["sim.amm.base_fee_gwei"] == 2.0
    assert values["sim.amm.block_time"] == 12.0


def test_the_schema_is_valid_json_schema() -> None:
    Draft202012Validator.check_schema(tree())


def test_every_setting_stands_in_the_default_yaml(root: Path) -> None:
    words = (root / "config" / "config.yaml").read_text(encoding="utf-8")
    for key in leaves():
        assert f"{key.rsplit('.', 1)[-1]}:" in words, key


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("quoting: {gama: 1}", "quoting.gama", "'quoting.gamma'"),
        ("qouting: {gamma: 1}", "qouting", "'quoting'"),
        ("model: {level0: {algo: xgbost}}", "model.level0.algo", "one of zero, ridge, xgboost"),
        ("quoting: {gamma: -1}", "quoting.gamma", "a number > 0 and <= 1000"),
        ("quoting: {gamma: high}", "quoting.gamma", "a number"),
        ("labels: {horizon: 1.5}", "labels.horizon", "an integer >= 1"),
        ("labels: {horizon: true}", "labels.horizon", "an integer"),
        ("quoting: {gamma: .nan}", "quoting.gamma", "a number"),
        ("quoting: {gamma: .inf}", "quoting.gamma", "a number"),
        ("quoting: 3", "quoting", "a mapping"),
        ("study: {name: 'Bad Name'}", "study.name", "matches"),
        ("features: {windows: [6, 6]}", "features.windows", "without repeats"),
        ("labels: {horizon: []}", "labels.horizon", "at least one"),
        ("study: {name: [a, b]}", "study.name", "a single value"),
        ("quoting: {gamma: {low: 1}}", "quoting.gamma", "{low, high, log, step}"),
        ("quoting: {gamma: {low: 2, high: 1}}", "quoting.gamma", "low < high"),
        ("quoting: {gamma: {low: 1, high: 9, log: true, step: 1}}", "quoting.gamma.step", "> 1"),
        ("data: {source: files}", "data.files.candles", "a path"),
        ("data: {start: 2024-13-45}", "data.start", "exists"),
        (
            "data: {source: files, files: {candles: a}, start: 2024-02-01, end: 2024-01-01}",
            "data.end",
            "later than data.start",
        ),
        ("study: {name: store}", "study.name", "matches"),
        ('study: {name: "a\\n"}', "study.name", "matches"),
        ("study: {tags: {a: 1}}", "study.tags", "a mapping of names to string values"),
        ("features: {include: [returns, volatilty]}", "features.include", "'volatility'"),
        ("sim: {venue: AMM}", "sim.venue", "'amm'"),
        ("sim: {venue: hybrid}", "quoting.hedge", "Without a hedge hybrid is the book alone"),
        ("quoting: {hedge: true}", "quoting.hedge", "false on sim.venue lob. There is no second"),
        ("sim: {venue: [lob, amm]}\nquoting: {hedge: true}", "quoting.hedge", "lob and amm"),
        ("sim: {venue: hybrid, fidelity: l2}\nquoting: {hedge: true}", "sim.fidelity", "by bars"),
        ("quoting: {hedge_band: -1}", "quoting.hedge_band", ">= 0"),
        ("quoting: {gamma: {low: 1, high: 9, step: .nan}}", "quoting.gamma.step", "finite"),
        ("quoting: {gamma: {low: 1, high: 9, step: 1.0e-12}}", "quoting.gamma.step", "100,000"),
        ("data: {symbol: {{ x }}}", "data.symbol", "a mapping of words"),
        ("model: {seed: 010}", "model.seed", "an integer"),
        ("model: {seed: 1:30}", "model.seed", "an integer"),
    ],
)
def test_a_bad_setting_is_named_with_its_legal_values(
    tmp_path: Path, text: str, key: str, words: str
) -> None:
    error = None
    try:
        from ethpredict.sweep.trials import build_trials

        build_trials(config(tmp_path, text))
    except ConfigError as caught:
        error = caught
    assert error is not None
    assert error.key == key
    assert words in str(error)


def test_broken_yaml_and_missing_file_are_config_errors(tmp_path: Path) -> None:
    assert "valid YAML" in str(refusal(tmp_path, "a: [1"))
    assert "given once" in str(refusal(tmp_path, "device: cpu\ndevice: cpu"))
    with pytest.raises(ConfigError, match="existing YAML file"):
        load([tmp_path / "absent.yaml"], {}, {})


def test_numbers_words_and_dates_mean_what_they_look_like(tmp_path: Path) -> None:
    values = config(
        tmp_path,
        "quoting: {alpha: off, gamma: 1e-3}\ndata: {start: 2025-02-01}\nlabels: {horizon: 6.0}",
    ).values
    assert values["quoting.alpha"] == "off"
    assert values["quoting.gamma"] == 0.001
    assert values["data.start"] == "2025-02-01"
    assert values["labels.horizon"] == 6
    assert isinstance(values["labels.horizon"], int)


def test_environment_variables_keep_their_type(tmp_path: Path) -> None:
    text = "data:\n  synthetic:\n    days: ${DAYS:-30}\nquoting: {gamma: '${GAMMA}'}"
    values = config(tmp_path, text, {"GAMMA": "0.25"}).values
    assert values["data.synthetic.days"] == 30
    assert values["quoting.gamma"] == 0.25
    assert "GAMMA" in str(refusal(tmp_path, text))


@pytest.mark.parametrize("reference", ["${SANTIMENT_API_KEY}", "{{ env.SANTIMENT_API_KEY }}"])
def test_a_secret_never_enters_a_setting(tmp_path: Path, reference: str) -> None:
    error = refusal(
        tmp_path, f'study: {{tags: {{key: "{reference}"}}}}', {"SANTIMENT_API_KEY": "s3cr3t-value"}
    )
    assert "secrets" in str(error)
    assert "s3cr3t-value" not in str(error)


def test_templates_name_studies_but_enter_no_id(tmp_path: Path) -> None:
    env = {"ETHPREDICT_TIMESTAMP": "20250101-000000", "WHO": "ann"}
    values = config(
        tmp_path, 'study: {name: "run-{{ timestamp }}", tags: {by: "{{ env.WHO }}"}}', env
    ).values
    assert values["study.name"] == "run-20250101-000000"
    assert values["study.tags"] == {"by": "ann"}
    error = refusal(tmp_path, 'data: {symbol: "{{ timestamp }}"}', env)
    assert error.key == "data.symbol"
    assert "stage id" in str(error)


def test_plain_snakemake_refuses_a_clock_dependent_name(tmp_path: Path) -> None:
    assert "run.py" in str(refusal(tmp_path, 'study: {name: "run-{{ timestamp }}"}'))


@pytest.mark.parametrize(
    "attack",
    ["{{ env.NOPE }}", "{{ nope }}", "{{ ''.__class__.__mro__ }}", "{{ env.__class__ }}", "{{ 1 +"],
)
def test_undefined_or_unsafe_templates_are_refused(tmp_path: Path, attack: str) -> None:
    assert refusal(tmp_path, f'study: {{title: "{attack}"}}').key == "study.title"


def test_overlays_and_command_line_override_single_settings(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("quoting: {gamma: [0.1, 0.2], order_size: 2}\n", encoding="utf-8")
    second.write_text("quoting: {gamma: 0.5}\n", encoding="utf-8")
    made = load([first, second], {"labels__horizon": "[6, 12]", "sweep": {"mode": "grid"}}, {})
    assert made.values["quoting.gamma"] == 0.5
    assert made.values["quoting.order_size"] == 2.0
    assert [(axis.key, axis.values) for axis in made.axes] == [("labels.horizon", (6, 12))]


def test_single_mode_allows_no_axis(tmp_path: Path) -> None:
    error = refusal(tmp_path, "sweep: {mode: single}\nquoting: {gamma: [1, 2]}")
    assert error.key == "quoting.gamma"


def test_the_shown_configuration_holds_axes_as_given_and_only_what_counts(tmp_path: Path) -> None:
    shown = config(tmp_path, "quoting: {gamma: {low: 1, high: 4, step: 1}}").nested()
    assert shown["quoting"]["gamma"] == {"low": 1.0, "high": 4.0, "log": False, "step": 1.0}
    assert "files" not in shown["data"]


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("SANTIMENT_API_KEY", True),
        ("GITHUB_PAT", True),
        ("WALLET_PK", True),
        ("MNEMONIC", True),
        ("PGPASS", True),
        ("RPC_URL", True),
        ("AWS_ACCESS_KEY_ID", True),
        ("AUTHOR", False),
        ("CANDLES", False),
        ("DAYS", False),
    ],
)
def test_names_of_secrets_are_known(name: str, secret: bool) -> None:
    assert looks_secret(name) == secret


def test_an_axis_has_the_same_anchor_in_any_order(tmp_path: Path) -> None:
    anchors = {
        config(tmp_path, f"quoting: {{gamma: {values}}}").values["quoting.gamma"]
        for values in ("[3, 1, 2]", "[1, 2, 3]", "[2, 3, 1]")
    }
    assert anchors == {1.0}
    horizon = leaves()["labels.horizon"].default
    found = config(tmp_path, f"labels: {{horizon: [1, {horizon}, 99]}}").values["labels.horizon"]
    assert found == horizon


def test_a_huge_value_is_clipped_in_the_message(tmp_path: Path) -> None:
    assert len(str(refusal(tmp_path, "study: {title: " + "x" * 5000 + "}"))) < 500
