"""Model files full of random numbers, small enough for a CPU, that a real ComfyUI loads as Stable Diffusion 1.5.

ComfyUI reads a UNet's levels, blocks and depths from the names and shapes of its tensors, and knows SD1.5 by 320
channels and a text width of 768 (`comfy/model_detection.py`, seen on 0.3.64, 0.8.0 and 0.12.1): two levels of one block
are enough. The text encoder is a whole CLIP-L, because its size is not read from the file. The VAE is the tiny
autoencoder that ComfyUI takes for `taesd_decoder` keys. What they paint is noise.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

Shapes = dict[str, tuple[int, ...]]

_WIDTH = 320
_TIME = 4 * _WIDTH
_TEXT = 768
_LATENT = 4


def write_checkpoint(path: Path) -> None:
    """A checkpoint with UNet, text encoder and VAE, about 370 MB."""
    unet = _prefixed("model.diffusion_model.", _unet())
    text = _prefixed("cond_stage_model.transformer.text_model.", _clip_l())
    _write(path, {**unet, **text, **_prefixed("first_stage_model.", _tiny_vae())})


def write_controlnet(path: Path) -> None:
    """A ControlNet for the checkpoint's UNet."""
    _write(path, _controlnet())


def write_lora(path: Path, rank: int = 4) -> None:
    """A LoRA that changes every attention of the checkpoint's UNet."""
    lora: Shapes = {}
    for name, shape in _unet().items():
        if ".attn" in name:
            key = "lora_unet_" + name.removesuffix(".weight").replace(".", "_")
            if name.endswith(".weight"):
                lora[f"{key}.lora_up.weight"] = (shape[0], rank)
                lora[f"{key}.lora_down.weight"] = (rank, shape[1])
    _write(path, lora)


def _unet() -> Shapes:
    wide = 2 * _WIDTH
    return {
        **_encoder(),
        **_block("output_blocks.0", wide + wide, wide),
        **_block("output_blocks.1", wide + _WIDTH, wide),
        **_conv("output_blocks.1.2.conv", wide, wide),
        **_block("output_blocks.2", wide + _WIDTH, _WIDTH),
        **_block("output_blocks.3", _WIDTH + _WIDTH, _WIDTH),
        **_norm("out.0", _WIDTH),
        **_conv("out.2", _WIDTH, _LATENT),
    }


def _encoder() -> Shapes:
    wide = 2 * _WIDTH
    return {
        **_linear("time_embed.0", _WIDTH, _TIME),
        **_linear("time_embed.2", _TIME, _TIME),
        **_conv("input_blocks.0.0", _LATENT, _WIDTH),
        **_block("input_blocks.1", _WIDTH, _WIDTH),
        **_conv("input_blocks.2.0.op", _WIDTH, _WIDTH),
        **_block("input_blocks.3", _WIDTH, wide),
        **_block("middle_block", wide, wide),
        **_residual("middle_block.2", wide, wide),
    }


def _controlnet() -> Shapes:
    hint = [3, 16, 16, 32, 32, 96, 96, 256, _WIDTH]
    shapes = _encoder()
    for number, (before, after) in enumerate(itertools.pairwise(hint)):
        shapes |= _conv(f"input_hint_block.{2 * number}", before, after)
    for number, width in enumerate([_WIDTH, _WIDTH, _WIDTH, 2 * _WIDTH]):
        shapes |= _conv(f"zero_convs.{number}.0", width, width, side=1)
    return shapes | _conv("middle_block_out.0", 2 * _WIDTH, 2 * _WIDTH, side=1)


def _block(name: str, before: int, after: int) -> Shapes:
    return {**_residual(f"{name}.0", before, after), **_attention(f"{name}.1", after)}


def _residual(name: str, before: int, after: int) -> Shapes:
    skip = {} if before == after else _conv(f"{name}.skip_connection", before, after, side=1)
    return {
        **_norm(f"{name}.in_layers.0", before),
        **_conv(f"{name}.in_layers.2", before, after),
        **_linear(f"{name}.emb_layers.1", _TIME, after),
        **_norm(f"{name}.out_layers.0", after),
        **_conv(f"{name}.out_layers.3", after, after),
        **skip,
    }


def _attention(name: str, width: int) -> Shapes:
    inner = f"{name}.transformer_blocks.0"
    shapes = {
        **_norm(f"{name}.norm", width),
        **_conv(f"{name}.proj_in", width, width, side=1),
        **_conv(f"{name}.proj_out", width, width, side=1),
        **_linear(f"{inner}.ff.net.0.proj", width, 8 * width),
        **_linear(f"{inner}.ff.net.2", 4 * width, width),
    }
    for number, seen in ((1, width), (2, _TEXT)):
        shapes |= {
            f"{inner}.attn{number}.to_q.weight": (width, width),
            f"{inner}.attn{number}.to_k.weight": (width, seen),
            f"{inner}.attn{number}.to_v.weight": (width, seen),
            **_linear(f"{inner}.attn{number}.to_out.0", width, width),
        }
    for number in (1, 2, 3):
        shapes |= _norm(f"{inner}.norm{number}", width)
    return shapes


def _clip_l() -> Shapes:
    shapes: Shapes = {
        "embeddings.token_embedding.weight": (49408, _TEXT),
        "embeddings.position_embedding.weight": (77, _TEXT),
        **_norm("final_layer_norm", _TEXT),
    }
    for number in range(12):
        layer = f"encoder.layers.{number}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _linear(f"{layer}.self_attn.{part}", _TEXT, _TEXT)
        shapes |= _linear(f"{layer}.mlp.fc1", _TEXT, 4 * _TEXT) | _linear(f"{layer}.mlp.fc2", 4 * _TEXT, _TEXT)
        shapes |= _norm(f"{layer}.layer_norm1", _TEXT) | _norm(f"{layer}.layer_norm2", _TEXT)
    return shapes


def _tiny_vae() -> Shapes:
    width = 64
    shapes = _conv("taesd_encoder.0", 3, width) | _conv("taesd_encoder.14", width, _LATENT)
    shapes |= _conv("taesd_decoder.1", _LATENT, width) | _conv("taesd_decoder.19", width, 3)
    for number in (1, 3, 4, 5, 7, 8, 9, 11, 12, 13):
        shapes |= _tiny_block(f"taesd_encoder.{number}", width)
    for number in (3, 4, 5, 8, 9, 10, 13, 14, 15, 18):
        shapes |= _tiny_block(f"taesd_decoder.{number}", width)
    for name in ("encoder.2", "encoder.6", "encoder.10", "decoder.7", "decoder.12", "decoder.17"):
        shapes[f"taesd_{name}.weight"] = (width, width, 3, 3)
    return shapes | {"vae_scale": (), "vae_shift": ()}


def _tiny_block(name: str, width: int) -> Shapes:
    return {key: shape for number in (0, 2, 4) for key, shape in _conv(f"{name}.conv.{number}", width, width).items()}


def _conv(name: str, before: int, after: int, side: int = 3) -> Shapes:
    return {f"{name}.weight": (after, before, side, side), f"{name}.bias": (after,)}


def _linear(name: str, before: int, after: int) -> Shapes:
    return {f"{name}.weight": (after, before), f"{name}.bias": (after,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _prefixed(prefix: str, shapes: Shapes) -> Shapes:
    return {prefix + name: shape for name, shape in shapes.items()}


def _write(path: Path, shapes: Shapes) -> None:
    """The safetensors format: length of the header, header as JSON, then the numbers, here all of float16."""
    header: dict[str, object] = {}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [start, end]}
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    # A file half written, by a run that was stopped, must not pass for a model.
    half = path.with_suffix(".part")
    with half.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for numbers in _numbers(shapes):
            file.write(numbers.tobytes())
    half.replace(path)


def _numbers(shapes: Shapes) -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.float16]]]:
    """Weights that keep the size of what passes through them; norms scale by one, biases are zero.

    Those of the tiny VAE are smaller: it has no norms, and a picture of pure black and white would hide every change.
    """
    random = np.random.default_rng(20240505)
    for name, shape in shapes.items():
        if len(shape) > 1:
            scale = (0.6 if "taesd" in name else 1) / math.sqrt(math.prod(shape[1:]))
            yield (scale * random.standard_normal(shape, np.float32)).astype(np.float16)
        elif name.endswith("taesd_decoder.19.bias"):
            yield np.full(shape, 0.5, np.float16)
        else:
            yield np.full(shape, 0 if name.endswith(("bias", "shift")) else 1, np.float16)
