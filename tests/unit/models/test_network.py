"""Nets: compiled prediction, learning, packs, failures, saved models."""

from __future__ import annotations

import contextlib
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from ethpredict.models import load_model, save_models, stacked, train_pack
from ethpredict.models.base import ModelError, Sample, Spans
from ethpredict.models.confidence import ConfidenceGru
from ethpredict.models.lstm import PriceLstm
from ethpredict.models.network import NetworkRegressor
from ethpredict.models.networks import forward, views
from ethpredict.models.scaler import fit_scaler
from ethpredict.models.shapes import Shape
from ethpredict.models.stacked import settled, train_stack
from ethpredict.models.training import Job, Recipe, Sequences, train_all, train_one

NET = {
    "bars": 6, "mode": "segments", "segment": 24, "hidden": 8, "layers": 1, "dropout": 0.1,
    "learning_rate": 0.02, "weight_decay": 0.01, "batch_rows": 96, "epochs": 12, "patience": 3,
}  # fmt: skip


def settings(**changes: Any) -> dict[str, Any]:
    return {"scaler": "zscore", "level0": {"algo": "lstm", "network": NET | changes}}


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", ["lstm", "gru", "mlp"])
def test_compiled_prediction_is_the_torch_reference(kind: str, layers: int) -> None:
    """lstm_rows, gru_rows, dense and relu against the net that was trained."""
    shape = Shape(kind, 5, 7, layers)
    length = 1 if kind == "mlp" else 6
    size = sum(int(np.prod(part)) for part in shape.weights().values())
    flat = torch.randn(1, size, generator=torch.Generator().manual_seed(3)) * 0.7
    x = np.random.default_rng(0).standard_normal((60, 5))
    scaler = fit_scaler(x, "zscore")
    head = {"kind": kind, "loss": "squared", "layers": layers, "length": length,
            "y_mean": 0.1, "y_scale": 2.0}  # fmt: skip
    net = NetworkRegressor(head, scaler, shape.views(flat[0].numpy()), np.empty((0, 2)))
    rows = np.array([9, 30, 31, 59])
    z = torch.from_numpy(scaler.transform(x).T.astype(np.float32))
    windows = torch.stack([z[row - length + 1 : row + 1] for row in rows], dim=1)
    expected = forward(shape, views(shape, flat), windows[None], [])[0, -1].double()
    np.testing.assert_allclose(net.predict(x, rows), 0.1 + 2 * expected.numpy(), rtol=2e-5)
    # A row is the same bits alone, in a shorter table and among others.
    for k, row in enumerate(rows):
        assert net.predict(x[: row + 1], rows[k : k + 1])[0] == net.predict(x, rows)[k]


def job(seed: int, rate: float = 0.02, epochs: int = 6, **other: Any) -> Job:
    kind, loss = other.get("kind", "lstm"), other.get("loss", "squared")
    rng = np.random.default_rng(8)
    x = rng.standard_normal((40, 9, 3)).astype(np.float32)
    y = (0.8 * x[:, :, 0] - 0.4 * np.roll(x[:, :, 1], 1, axis=1)).astype(np.float32)
    y = y if loss == "squared" else (y > 0).astype(np.float32)
    w = rng.uniform(0.5, 1.5, y.shape).astype(np.float32)
    w[:, :3] = 0.0
    x[:, :, 2] = other.get("third", x[:, :, 2])
    cut = [Sequences(x[part], y[part], w[part]) for part in (slice(0, 30), slice(30, None))]
    recipe = Recipe(seed, rate, 0.01, other.get("dropout", 0.2), epochs, 3)
    precision, graph = other.get("precision", "float32"), other.get("graph", False)
    return Job(Shape(kind, 3, 5, 2), loss, 8, *cut, recipe, precision, graph)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("kind", ["lstm", "gru", "mlp"])
def test_the_compiled_net_learns_as_the_torch_reference(kind: str, loss: str) -> None:
    """add_product, outer_product, passes forward and backward, AdamW, stop: against autograd.

    30 sequences in batches of 8: the last batch of an epoch is short.
    """
    one = job(1, kind=kind, loss=loss)
    expected, found = train_stack([one], "cpu")[0], train_one(one)
    np.testing.assert_allclose(found.curve, expected.curve, rtol=1e-5)
    assert found.curve[-1, 1] < 0.95 * found.curve[0, 1]
    for name, weights in expected.weights.items():
        np.testing.assert_allclose(found.weights[name], weights, rtol=1e-4, atol=1e-5)


def test_a_stack_trains_each_model_as_if_it_were_alone() -> None:
    """Own draws, rate, dropout and early stop; batched products may differ in the last bits."""
    jobs = [job(1), job(2, rate=0.05), job(3, epochs=2)]
    together = train_stack(jobs, "cpu")
    for one, outcome in zip(jobs, together, strict=True):
        alone = train_one(one)
        np.testing.assert_allclose(outcome.curve, alone.curve, rtol=1e-4)
        assert len(outcome.curve) <= one.recipe.epochs
        for name, weights in alone.weights.items():
            np.testing.assert_allclose(outcome.weights[name], weights, rtol=1e-3, atol=1e-4)


def test_on_a_cpu_mates_and_order_do_not_change_a_bit() -> None:
    jobs = [job(1), job(2, rate=0.05), job(3, epochs=2)]
    alone = [train_all([one], "cpu")[0] for one in jobs]
    for order in ([0, 1, 2], [2, 0, 1]):
        packed = train_all([jobs[k] for k in order], "cpu")
        for k, outcome in zip(order, packed, strict=True):
            for name, weights in alone[k].weights.items():
                assert outcome.weights[name].tobytes() == weights.tobytes()


def test_a_loss_that_is_not_finite_fails_one_model_of_a_stack() -> None:
    good, bad = job(1), job(1, third=np.nan)
    found = train_stack([good, bad], "cpu")
    assert found[0].error == ""
    assert "not finite" in found[1].error
    np.testing.assert_allclose(found[0].curve, train_one(good).curve, rtol=1e-4)
    alone = train_all([bad, good], "cpu")
    assert "not finite" in alone[0].error
    assert alone[1].error == ""


def test_a_full_gpu_halves_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def small_gpu(jobs: list[Job], device: str) -> list[Any]:
        sizes.append(len(jobs))
        if len(jobs) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train_stack(jobs, "cpu")

    monkeypatch.setattr("ethpredict.models.stacked.train_stack", small_gpu)
    jobs = [job(seed, epochs=1) for seed in range(5)]
    found = train_all(jobs, "cuda")
    assert sizes == [5, 2, 3, 1, 2]
    for one, outcome in zip(jobs, found, strict=True):
        np.testing.assert_allclose(outcome.curve, train_one(one).curve, rtol=1e-4)
    monkeypatch.setattr(
        "ethpredict.models.stacked.train_stack", lambda jobs, device: small_gpu(jobs * 3, device)
    )
    with pytest.raises(torch.OutOfMemoryError):
        train_all(jobs[:1], "cuda")


def test_bfloat16_products_learn_the_same_less_exactly() -> None:
    """Mixed precision is a setting of the stack: near float32, and not float32."""
    for kind in ("lstm", "gru", "mlp"):
        exact = train_stack([job(1, kind=kind)], "cpu")[0]
        short = train_stack([job(1, kind=kind, precision="bfloat16")], "cpu")[0]
        off = np.abs(short.curve / exact.curve - 1).max()
        assert 1e-6 < off < 0.03
        assert {weights.dtype for weights in short.weights.values()} == {np.dtype(np.float32)}


def test_jobs_of_another_precision_are_another_stack() -> None:
    assert job(1).bucket() == job(2, rate=0.1, epochs=3).bucket()
    assert len({job(1, precision=p).bucket() for p in ("float32", "tf32", "bfloat16")}) == 3


@pytest.mark.parametrize(("precision", "short"), [("float32", False), ("tf32", True)])
def test_tf32_only_where_it_is_asked_for(precision: str, short: bool) -> None:
    flags = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    with settled("cuda", precision):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.backends.cuda.matmul.allow_tf32 is short
        assert torch.backends.cudnn.allow_tf32 is short
    assert not torch.are_deterministic_algorithms_enabled()
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == flags


def test_a_captured_step_is_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warm-up leaves no trace, recording runs nothing, each replay is one step.

    A GPU is imitated: what runs while a graph is recorded is undone.
    """
    calls: list[str] = []

    class Graph:
        step: Any = None

        def replay(self) -> None:
            calls.append("replay")
            stacks[-1].step()

    class Recording:
        def __init__(self, graph: Graph) -> None:
            self.kept = [part.clone() for part in stacks[-1].state()]

        def __enter__(self) -> None:
            calls.append("record")

        def __exit__(self, *error: object) -> None:
            for part, kept in zip(stacks[-1].state(), self.kept, strict=True):
                part.copy_(kept)

    stacks: list[Any] = []
    made = stacked._Stack

    def remembered(*args: Any) -> Any:
        stacks.append(made(*args))
        return stacks[-1]

    monkeypatch.setattr(stacked, "_Stack", remembered)
    monkeypatch.setattr(torch.cuda, "Stream", MagicMock)
    monkeypatch.setattr(torch.cuda, "current_stream", MagicMock())
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", Recording)
    jobs = [job(1), job(2, rate=0.05)]
    expected = train_stack(jobs, "cpu")
    captured = [job(1, graph=True), job(2, rate=0.05, graph=True)]
    for found, wanted in zip(train_stack(captured, "cpu"), expected, strict=True):
        np.testing.assert_array_equal(found.curve, wanted.curve)
        for name, weights in wanted.weights.items():
            np.testing.assert_array_equal(found.weights[name], weights)
    steps = 4 * max(len(outcome.curve) for outcome in expected)
    assert calls == ["record", *["replay"] * steps]


def test_a_precision_of_gpus_is_refused_on_a_cpu() -> None:
    data = sample(300)
    chosen = settings() | {"precision": "bfloat16"}
    with pytest.raises(ModelError, match=r"model\.precision is bfloat16.*float32"):
        PriceLstm().fit(PriceLstm().prepare(data, chosen), chosen, 1, "cpu")


def sample(n: int = 400, memory: bool = True) -> Sample:
    """The target is the mean of x0 over three bars: a row alone does not show it."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((n, 3))
    signal = np.convolve(x[:, 0], np.ones(3) / 3)[:n] if memory else rng.standard_normal(n)
    rows = np.arange(n)
    spans = Spans(rows, np.ones(n, dtype=bool), np.zeros(n, dtype=bool))
    return Sample(x, rows, 0.01 * signal, np.ones(n), spans)


def test_lstm_learns_what_only_a_sequence_shows() -> None:
    data = sample(1500)
    algorithm = PriceLstm()
    train = Sample(data.features, data.rows[:1200], data.y[:1200], data.weight[:1200], data.spans)
    chosen = settings(dropout=0.0, epochs=25)
    model = algorithm.fit(algorithm.prepare(train, chosen), chosen, 7, "cpu")
    m = model.predict(data.features, data.rows[1200:])
    assert np.corrcoef(m, data.y[1200:])[0, 1] > 0.9
    row_alone = np.corrcoef(data.features[:, 0], data.y)[0, 1]
    assert row_alone < 0.7
    assert model.curve[-1, 1] < model.curve[0, 1]


def test_confidence_is_a_probability_near_its_share() -> None:
    data = sample(900)
    label = (data.y > 0).astype(float)
    data = Sample(data.features, data.rows, label, data.weight, data.spans)
    chosen = {"scaler": "zscore", "level2": {"gru": NET}}
    algorithm = ConfidenceGru()
    model = algorithm.fit(algorithm.prepare(data, chosen), chosen, 7, "cpu")
    p = model.predict(data.features, data.rows[10:])
    assert ((p > 0) & (p < 1)).all()
    assert p[label[10:] > 0].mean() - p[label[10:] == 0].mean() > 0.3


def test_too_few_unbroken_bars_are_refused() -> None:
    data = sample(200)
    spans = Spans(data.spans.t1, data.spans.readable, np.arange(200) % 5 == 0)
    with pytest.raises(ModelError, match="unbroken bars"):
        PriceLstm().prepare(
            Sample(data.features, data.rows, data.y, data.weight, spans), settings()
        )


def test_saved_nets_reload_to_the_bit_and_serve(world: Any, tmp_path: Any) -> None:
    member = world.member("n", "lstm", test_days=20)
    member["settings"]["model"] |= settings()
    result = train_pack(*world.tables, [member])
    assert result.status["error"].tolist() == [""]
    save_models(result.models, tmp_path / "models")
    model = load_model(tmp_path / "models" / "n")
    frame = result.predictions
    assert model.replay(world.features)["m"].equals(frame["m"])
    assert frame["m"].notna().mean() > 0.95
    assert (tmp_path / "models" / "n" / "window_00.safetensors").exists()
    assert len(model.windows[0].regressor.curve) >= 1
