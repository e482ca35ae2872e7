"""Nets: compiled prediction, learning, packs, failures, saved models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ethpredict.models import load_model, save_models, train_pack
from ethpredict.models.base import ModelError, Sample, Spans
from ethpredict.models.confidence import ConfidenceGru
from ethpredict.models.lstm import PriceLstm
from ethpredict.models.network import NetworkRegressor
from ethpredict.models.networks import Shape, forward, named_arrays, views
from ethpredict.models.scaler import fit_scaler
from ethpredict.models.training import Job, Recipe, Sequences, train_all, train_stack

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
    net = NetworkRegressor(head, scaler, named_arrays(shape, flat[0]), np.empty((0, 2)))
    rows = np.array([9, 30, 31, 59])
    z = torch.from_numpy(scaler.transform(x).T.astype(np.float32))
    windows = torch.stack([z[row - length + 1 : row + 1] for row in rows], dim=1)
    expected = forward(shape, views(shape, flat), windows[None], [])[0, -1].double()
    np.testing.assert_allclose(net.predict(x, rows), 0.1 + 2 * expected.numpy(), rtol=2e-5)
    # A row is the same bits alone, in a shorter table and among others.
    for k, row in enumerate(rows):
        assert net.predict(x[: row + 1], rows[k : k + 1])[0] == net.predict(x, rows)[k]


def job(seed: int, rate: float = 0.02, epochs: int = 6, **bad: Any) -> Job:
    rng = np.random.default_rng(8)
    x = rng.standard_normal((40, 9, 3)).astype(np.float32)
    y = (0.8 * x[:, :, 0] - 0.4 * np.roll(x[:, :, 1], 1, axis=1)).astype(np.float32)
    w = rng.uniform(0.5, 1.5, y.shape).astype(np.float32)
    w[:, :3] = 0.0
    x[:, :, 2] = bad.get("third", x[:, :, 2])
    cut = [Sequences(x[part], y[part], w[part]) for part in (slice(0, 30), slice(30, None))]
    recipe = Recipe(seed, rate, 0.01, 0.2, epochs, 3)
    return Job(Shape("lstm", 3, 5, 2), "squared", 8, *cut, recipe)


def test_a_stack_trains_each_model_as_if_it_were_alone() -> None:
    """Own draws, rate, dropout and early stop; batched products may differ in the last bits."""
    jobs = [job(1), job(2, rate=0.05), job(3, epochs=2)]
    together = train_stack(jobs, "cpu")
    for one, outcome in zip(jobs, together, strict=True):
        alone = train_stack([one], "cpu")[0]
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
    np.testing.assert_allclose(found[0].curve, train_stack([good], "cpu")[0].curve, rtol=1e-4)


def test_a_full_gpu_halves_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def small_gpu(jobs: list[Job], device: str) -> list[Any]:
        sizes.append(len(jobs))
        if len(jobs) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train_stack(jobs, "cpu")

    monkeypatch.setattr("ethpredict.models.training.train_stack", small_gpu)
    jobs = [job(seed, epochs=1) for seed in range(5)]
    found = train_all(jobs, "cuda")
    assert sizes == [5, 2, 3, 1, 2]
    for one, outcome in zip(jobs, found, strict=True):
        np.testing.assert_allclose(outcome.curve, train_stack([one], "cpu")[0].curve, rtol=1e-4)
    monkeypatch.setattr(
        "ethpredict.models.training.train_stack", lambda jobs, device: small_gpu(jobs * 3, device)
    )
    with pytest.raises(torch.OutOfMemoryError):
        train_all(jobs[:1], "cuda")


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
