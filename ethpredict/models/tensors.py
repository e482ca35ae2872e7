"""Named arrays as bytes, in the safetensors layout: no pickle, the same bytes every time.

Eight bytes give the length of a JSON header; the header gives type, shape and
place of every array; the arrays follow, little-endian and row-major. The
``safetensors`` library reads these bytes as well.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

TYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "I64": np.dtype("<i8"),
    "U8": np.dtype("u1"),
}
_NAMES = {dtype: name for name, dtype in TYPES.items()}


def pack_tensors(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Bytes of named arrays.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        float64, float32, int64 or uint8.

    Returns
    -------
    bytes
        Arrays sorted by name.

    Examples
    --------
    >>> raw = pack_tensors({"w": np.array([[1.0, 2.0]])})
    >>> unpack_tensors(raw)["w"].tolist()
    [[1.0, 2.0]]
    """
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    place = 0
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype.newbyteorder("<")],
            "shape": list(arrays[name].shape),
            "data_offsets": [place, place + len(raw)],
        }
        place += len(raw)
        parts.append(raw)
    head = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # arrays start at a multiple of eight
    return len(head).to_bytes(8, "little") + head + b"".join(parts)


def unpack_tensors(raw: bytes) -> dict[str, npt.NDArray[Any]]:
    """Inverse of :func:`pack_tensors`; the arrays are copies that may be written.

    Raises
    ------
    ValueError
        If the bytes are cut off, or hold a type that is not known.
    """
    size = int.from_bytes(raw[:8], "little")
    body = raw[8 + size :]
    if len(raw) < 8 + size:
        raise ValueError(f"header of {size} bytes in {len(raw)} bytes: cut off; train again")
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, item in json.loads(raw[8 : 8 + size]).items():
        start, stop = item["data_offsets"]
        dtype = TYPES.get(item["dtype"])
        if dtype is None:
            raise ValueError(f"array {name} has type {item['dtype']}, known: {', '.join(TYPES)}")
        if stop > len(body) or stop - start != dtype.itemsize * math.prod(item["shape"]):
            raise ValueError(f"array {name} is cut off; train again")
        arrays[name] = np.frombuffer(body[start:stop], dtype).reshape(item["shape"]).copy()
    return arrays
