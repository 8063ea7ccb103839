"""How a cut-out comes into a background: ours, and what people otherwise use.

Every method gets the designer's cut-out (h, w, 4), 8-bit with straight alpha, a background (H, W, 3) in 8-bit sRGB,
where the car's left upper corner goes, and the size that it gets there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.composition.measures import light_of, shown
from shared.pictures.composition.composite import finished, over
from shared.pictures.composition.layer import prepared
from shared.pictures.composition.light import to_linear
from shared.pictures.composition.packs import CarPicture
from shared.pictures.composition.place import Place

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Job:
    """A cut-out, the background, and the rectangle (left, top, width, height) in it that the car gets.

    `whole` is the whole background at some size, where a method looks at all of its colours.
    """

    cut: Bytes
    plate: Bytes
    left: int
    top: int
    width: int
    height: int
    whole: Bytes

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the background under the car."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def ours(job: Job, picture: CarPicture) -> Bytes:
    """The product's steps that lay the car over a background, shadow and light of the place left out."""
    place = Place(
        picture.view.view_id, job.left, job.top, job.width, job.height, 0.0, job.width / picture.view.size_px[0]
    )
    layer = prepared(picture, place)
    return finished(over(layer, place, to_linear(job.plate)), layer, place)


def pillow_paste(job: Job) -> Bytes:
    """`Image.paste` with the alpha channel as mask; sized by `Image.resize`."""
    car = Image.fromarray(job.cut).resize((job.width, job.height))
    out = Image.fromarray(job.plate)
    out.paste(car, (job.left, job.top), car)
    return np.array(out)


def comfyui_masked(job: Job) -> Bytes:
    """The arithmetic of ComfyUI's `ImageCompositeMasked` and `SaveImage`: sRGB floats, codes cut off, not rounded.

    Colour and mask are sized apart, as `ImageScale` (bicubic) and `ImageCompositeMasked` do.
    """
    colour, mask = _straight(job)
    out = job.plate / np.float32(255.0)
    out[job.window] = mask * colour + (1.0 - mask) * out[job.window]
    return np.clip(255.0 * out, 0, 255).astype(np.uint8)


def linear_paste(job: Job) -> Bytes:
    """A plain paste, blended in linear light: the studio stays in the soft pixels."""
    colour, mask = _straight(job)
    return _laid_linear(job, light_of(colour) * mask, mask)


def eroded(job: Job) -> Bytes:
    """A plain paste with the mask made one pixel smaller."""
    alpha = cv2.erode(job.cut[..., 3], np.ones((3, 3), np.uint8))
    return pillow_paste(_with(job, np.dstack([job.cut[..., :3], alpha])))


def seamless_clone(job: Job) -> Bytes:
    """OpenCV's `seamlessClone` (Pérez et al., 2003), NORMAL_CLONE, in the car's own mask."""
    colour, mask = _straight(job)
    source = np.rint(colour * 255).astype(np.uint8)
    solid = (mask[..., 0] > 0.5).astype(np.uint8) * 255
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    middle = (job.left + int(columns[0] + columns[-1]) // 2, job.top + int(rows[0] + rows[-1]) // 2)
    margin = 8
    plate = cv2.copyMakeBorder(job.plate, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    out = cv2.seamlessClone(source, plate, solid, (middle[0] + margin, middle[1] + margin), cv2.NORMAL_CLONE)
    return np.asarray(out[margin:-margin, margin:-margin])


def colour_matched(job: Job) -> Bytes:
    """The car's colours matched to the background's as KJNodes' node does by default, pasted."""
    matched = monge_kantorovich(job.cut[..., :3] / 255.0, job.whole / 255.0)
    codes = np.rint(np.clip(matched, 0, 1) * 255).astype(np.uint8)
    return pillow_paste(_with(job, np.dstack([codes, job.cut[..., 3]])))


def monge_kantorovich(source: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours (h, w, 3) moved to the mean and covariance of the reference by the linear map that costs least.

    Pitié and Kokaram, "The linear Monge-Kantorovitch linear colour mapping" (2007), equation 4. The package
    `color-matcher`, which the node uses, calls it MKL and gives the same; but it puts a `cli.py` before every command's
    own modules.
    """
    colours, others = source.reshape(-1, 3), reference.reshape(-1, 3)
    root = _square_root(np.cov(colours.T) + 1e-12 * np.eye(3))
    back = np.linalg.inv(root)
    step = back @ _square_root(root @ np.cov(others.T) @ root) @ back
    return np.asarray((colours - colours.mean(axis=0)) @ step + others.mean(axis=0)).reshape(source.shape)


def _square_root(symmetric: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(symmetric)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def estimated(kind: str) -> Callable[[Bytes], NDArray[np.float32]]:
    """The cut-out's own colours as premultiplied linear light (h, w, 4), by pymatting: ``cf`` or ``ml``."""

    def estimate(cut: Bytes) -> NDArray[np.float32]:
        from pymatting import estimate_foreground_cf, estimate_foreground_ml

        how = {"cf": estimate_foreground_cf, "ml": estimate_foreground_ml}[kind]
        alpha = cut[..., 3] / 255.0
        own = np.clip(how(light_of(cut[..., :3]), alpha), 0, 1)
        return np.dstack([own * alpha[..., None], alpha]).astype(np.float32)

    return estimate


def laid_over(job: Job, pixels: NDArray[np.float32]) -> Bytes:
    """Premultiplied linear light (h, w, 4) over the background, rounded to codes."""
    sized = cv2.resize(pixels, (job.width, job.height), interpolation=cv2.INTER_AREA)
    return _laid_linear(job, sized[..., :3], sized[..., 3:])


#: The baselines that need nothing prepared, and no package of their own.
PLAIN: dict[str, Callable[[Job], Bytes]] = {
    "Pillow paste": pillow_paste,
    "ComfyUI ImageCompositeMasked": comfyui_masked,
    "paste in linear light": linear_paste,
    "mask eroded by 1 px": eroded,
    "OpenCV seamlessClone": seamless_clone,
}
BASELINES: dict[str, Callable[[Job], Bytes]] = {**PLAIN, "colour match (MKL)": colour_matched}
#: Those that prepare the cut-out once.
ESTIMATES: dict[str, Callable[[Bytes], NDArray[np.float32]]] = {
    "pymatting cf, linear": estimated("cf"),
    "pymatting ml, linear": estimated("ml"),
}


def _straight(job: Job) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    size = (job.width, job.height)
    colour, mask = job.cut[..., :3] / np.float32(255.0), job.cut[..., 3] / np.float32(255.0)
    if size != job.cut.shape[1::-1]:
        colour = cv2.resize(colour, size, interpolation=cv2.INTER_CUBIC)
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR)
    return np.clip(colour, 0, 1), np.clip(mask, 0, 1)[..., np.newaxis]


def _laid_linear(job: Job, own: NDArray[np.floating], mask: NDArray[np.floating]) -> Bytes:
    out = light_of(job.plate)
    out[job.window] = own + (1.0 - mask) * out[job.window]
    return np.rint(shown(out) * 255).astype(np.uint8)


def _with(job: Job, cut: Bytes) -> Job:
    return replace(job, cut=cut)
