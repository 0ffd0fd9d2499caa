"""Mutated models: adapted files and personaliser folders either open and answer, or are refused.

Bytes are flipped, cut and doubled; graphs lose, swap and rename their parts; tensors become NaN or
take other shapes; cards of JSON say something else, under the right hashes.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from model import InputError, load_adapted, load_model
from model.card import CLUTTER, PARTS
from tests.tiny import write_tiny

VALUES: tuple[Any, ...] = (None, True, -1, 0, 10**12, 1e308, float("nan"), "", "\0", [], {}, [[]])


def run(count: int, seed: int, only: int | None = None) -> list[str]:
    """Open `count` mutated models; a line for each that ended otherwise than it should."""
    failures = []
    with tempfile.TemporaryDirectory() as place:
        clutter = np.eye(2, 24, dtype=np.float32)
        whole = write_tiny(Path(place) / "whole", film=0.2, clutter=clutter)
        clip = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)
        objects = {"mug": [clip], "can": [clip[::-1, ::-1]]}
        adapted = load_model(whole).adapt(objects).to_bytes()
        for index in range(count) if only is None else [only]:
            chance = random.Random(f"{seed} {index}")
            try:
                if index % 3:
                    path = Path(place) / "mine.onnx"
                    path.write_bytes(mutated(adapted, chance))
                    load_adapted(path).predict(clip)
                else:
                    folder = Path(place) / "folder"
                    shutil.rmtree(folder, ignore_errors=True)
                    shutil.copytree(whole, folder)
                    spoil(folder, chance)
                    load_model(folder).adapt(objects).predict(clip)
            except InputError as error:
                if "\n" in str(error):
                    failures.append(f"model {index}: more than one line: {error}")
            except Exception as error:  # what fuzzing looks for
                failures.append(f"model {index}: {type(error).__name__}: {error}")
    return failures


def mutated(model: bytes, chance: random.Random) -> bytes:
    """The bytes of a model, damaged as bytes or as a graph."""
    if chance.random() < 0.4:
        return _bytes(model, chance)
    parsed = onnx.load_model_from_string(model)
    for _ in range(chance.choice([1, 1, 3])):
        chance.choice([_node, _tensor, _metadata, _interface])(parsed, chance)
    return parsed.SerializeToString()


def spoil(folder: Path, chance: random.Random) -> None:
    """Damage one file of a personaliser folder; its card may name the hash of what it is now."""
    part = chance.choice([*PARTS, CLUTTER, "card.json", "card.json"])
    path = folder / part
    if part == "card.json":
        card = json.loads(path.read_text())
        _json(card, chance)
        text = json.dumps(card).encode()
        path.write_bytes(text if chance.random() < 0.7 else _bytes(text, chance))
        return
    damaged = _bytes if part == CLUTTER else mutated
    path.write_bytes(damaged(path.read_bytes(), chance))
    if chance.random() < 0.8:
        card = json.loads((folder / "card.json").read_text())
        card["sha256"][part] = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / "card.json").write_text(json.dumps(card))


def _bytes(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 4, 60])):
        at = chance.randrange(min(len(changed), chance.choice([200, len(data)])) or 1)
        match chance.randrange(4):
            case 0:
                changed[at : at + 1] = chance.randbytes(1)
            case 1:
                del changed[at : at + chance.randrange(1, 40)]
            case 2:
                changed[at:at] = chance.randbytes(chance.randrange(1, 40))
            case 3:
                changed[at : at + 4] = b"\xff" * 4
    return bytes(
        changed[: chance.randrange(len(changed) + 1)] if chance.random() < 0.2 else changed
    )


def _node(model: onnx.ModelProto, chance: random.Random) -> None:
    nodes = model.graph.node
    node = chance.choice(nodes)
    match chance.randrange(5):
        case 0:
            nodes.remove(node)
        case 1:
            node.op_type = chance.choice(["Sin", "Loop", "NoSuch", "Reshape", "Gather", ""])
        case 2:
            if node.input:
                node.input[chance.randrange(len(node.input))] = chance.choice(["", "nowhere"])
        case 3:
            if node.attribute:
                node.attribute.remove(chance.choice(node.attribute))
        case 4:
            for attribute in node.attribute:
                attribute.ints[:] = [chance.choice([-1, 0, 3, 2**62]) for _ in attribute.ints]


def _tensor(model: onnx.ModelProto, chance: random.Random) -> None:
    tensors = model.graph.initializer
    if not tensors:
        return
    tensor = chance.choice(tensors)
    if tensor.external_data:
        return
    try:
        values = numpy_helper.to_array(tensor)
    except ValueError:  # its shape was changed before
        return
    match chance.randrange(5):
        case 0:
            if values.dtype == np.float32:
                filled = np.full_like(values, chance.choice([np.nan, np.inf, 3e38]))
                tensor.CopyFrom(numpy_helper.from_array(filled, tensor.name))
        case 1:
            tensor.CopyFrom(numpy_helper.from_array(values.ravel()[:1], tensor.name))
        case 2:
            tensor.dims[:] = [chance.choice([0, -1, 7, 2**40]) for _ in tensor.dims]
        case 3:
            tensors.remove(tensor)
        case 4:
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="../secret")


def _metadata(model: onnx.ModelProto, chance: random.Random) -> None:
    for entry in model.metadata_props:
        if entry.key == "names":
            names = ["null", '["mug"]', '["mug","mug"]', '["a","b","c"]', "[1,2]", '["",""]', "{}"]
            entry.value = chance.choice(names)
        elif chance.random() < 0.3:
            entry.value = "[" * 9


def _interface(model: onnx.ModelProto, chance: random.Random) -> None:
    match chance.randrange(4):
        case 0:
            model.graph.output[0].name = "other"
        case 1:
            model.graph.input.add(name="more").type.tensor_type.elem_type = 1
        case 2:
            model.opset_import[0].version = chance.choice([0, 1, 7, 999])
        case 3:
            model.ir_version = chance.choice([0, 1, 99])


def _json(value: Any, chance: random.Random) -> None:
    """Change something, anywhere in a tree of JSON."""
    while isinstance(value, dict | list) and value:
        key = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.3:
            if isinstance(value, dict) and chance.random() < 0.3:
                del value[key]
            else:
                value[key] = chance.choice(VALUES)
            return
        value = inner
