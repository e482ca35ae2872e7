"""Stacked layers against torch's own, model by model, forward and backward."""

from __future__ import annotations

import pytest
import torch

from ethpredict.models import recurrent

M, T, B, IN, H = 3, 7, 5, 4, 6


def weights(gates: int) -> list[torch.Tensor]:
    shapes = [(M, gates * H, IN), (M, gates * H, H), (M, gates * H)]
    if gates == 3:
        shapes.append((M, H))
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_stacked_layer_is_torchs_layer_of_each_model(kind: str) -> None:
    torch.manual_seed(4)
    own = weights(4 if kind == "lstm" else 3)
    x = torch.randn(M, T, B, IN, dtype=torch.float64, requires_grad=True)
    out = getattr(recurrent, kind)(x, *own)
    (out**2).sum().backward()
    for m in range(M):
        net = getattr(torch.nn, kind.upper())(IN, H).double()
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")
        with torch.no_grad():
            net.bias_hh_l0.zero_()
            for name, weight in zip(names, own, strict=False):
                getattr(net, name).copy_(weight[m])
            if kind == "gru":
                net.bias_hh_l0[2 * H :] = own[3][m]
        alone = x[m].detach().clone().requires_grad_()
        expected, _ = net(alone)
        (expected**2).sum().backward()
        pairs = [(out[m], expected), (x.grad[m], alone.grad)]
        pairs += [
            (weight.grad[m], getattr(net, name).grad)
            for name, weight in zip(names, own, strict=False)
        ]
        if kind == "gru":
            pairs.append((own[3].grad[m], net.bias_hh_l0.grad[2 * H :]))
        for found, wanted in pairs:
            torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-12)
