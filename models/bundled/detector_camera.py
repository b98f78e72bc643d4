# SPDX-License-Identifier: LGPL-2.1-or-later
"""Distortions of pictures by a camera and a codec, in batches; and the random numbers for them."""
import functools

import torch
import torch.nn.functional as F


class Draw:
    """Random numbers of one kind of batch, from one seeded generator."""

    def __init__(self, seed, device):
        self.device = device
        self.generator = torch.Generator(device).manual_seed(seed)

    def uniform(self, low, high, *shape):
        return low + (high - low) * torch.rand(shape, generator=self.generator, device=self.device)

    def normal(self, mean, spread, *shape):
        return mean + spread * torch.randn(shape, generator=self.generator, device=self.device)

    def chance(self, p, *shape):
        return self.uniform(0, 1, *shape) < p

    def whole(self, below, *shape):
        return torch.randint(0, below, shape, generator=self.generator, device=self.device)

    def weighted(self, weight, n):
        return torch.multinomial(weight, n, True, generator=self.generator)


@functools.lru_cache(maxsize=None)
def compiled(f):
    return torch.compile(f, dynamic=False)


def quick(f, *tensors):
    """f (tensors); for the large batches of training on a GPU as one kernel, or few."""
    large = tensors[0].is_cuda and len(tensors[0]) >= 48
    return (compiled(f) if large else f)(*tensors)


def blurred(canvas, spread):
    """A Gaussian blur of its own for each picture."""
    for axis in (2, 3):
        steps = torch.arange(-3, 4, device=canvas.device)
        weight = torch.exp(-0.5 * (steps / spread[:, None].clamp(min=.1)) ** 2)
        weight = (weight / weight.sum(1, keepdim=True))[..., None, None, None]
        pad = (0, 0, 3, 3) if axis == 2 else (3, 3, 0, 0)
        wider, size = F.pad(canvas, pad, mode="replicate"), canvas.shape[axis]
        canvas = sum(wider.narrow(axis, i, size) * weight[:, i] for i in range(7))
    return canvas


def light(canvas, look):
    """Color, gamma, contrast, sharpness."""
    look = [t[:, None, None, None] for t in look.unbind(1)]
    gray, gamma, low, high, spread, sharpen = look[:6]
    mean = canvas.mean(1, keepdim=True)
    canvas = torch.where(gray > 0, mean, canvas) / 255
    canvas = canvas.clamp(0, 1) ** gamma * (high - low) + low
    canvas = canvas * torch.cat(look[6:], 1)
    soft = blurred(canvas, spread[:, 0, 0, 0])
    return torch.where(sharpen > 0, canvas + sharpen * (canvas - soft), soft)


def jpeg(canvas, quality):
    """Pictures in 0..1 after the quantization of JPEG (without chroma subsampling)."""
    device = canvas.device
    steps = torch.arange(8, device=device)
    basis = torch.cos((2 * steps[None] + 1) * steps[:, None] * torch.pi / 16) / 2
    basis[0] /= 2 ** .5
    turn = torch.tensor([[.299, .587, .114], [-.1687, -.3313, .5], [.5, -.4187, -.0813]],
                        device=device)
    # about the table of the standard's example, which grows with the frequency
    table = 10 + 6.0 * (steps[None] + steps[:, None]) ** 1.25
    table = torch.stack([table, table * 1.6, table * 1.6])
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    table = (table[None] * scale[:, None, None, None]).clamp(min=1)[:, :, None, None]
    n, _, high, wide = canvas.shape
    x = torch.einsum("ij,njhw->nihw", turn, canvas * 255 - 128)
    x = x.view(n, 3, high // 8, 8, wide // 8, 8).transpose(3, 4)
    x = (x @ basis.T).transpose(4, 5) @ basis.T       # a transposed block, as is the table
    x = ((((x / table).round() * table) @ basis).transpose(4, 5)) @ basis
    x = x.transpose(3, 4).reshape(n, 3, high, wide)
    return (torch.einsum("ij,njhw->nihw", torch.linalg.inv(turn), x) + 128) / 255


def camera(canvas, draw):
    """Distortions of a camera and a codec: light, color, focus, few pixels, noise, blocks."""
    n = len(canvas)
    haze = draw.chance(.1, n)
    focus = draw.uniform(0, 1, n)
    look = [draw.chance(.15, n).float(), torch.exp(draw.normal(0, .25, n)),
            torch.where(haze, draw.uniform(.1, .3, n), draw.uniform(-.08, .1, n)),
            torch.where(haze, draw.uniform(.6, .9, n), draw.uniform(.75, 1.15, n)),
            torch.where(focus < .3, draw.uniform(.3, 1.5, n), torch.where(focus < .6, 1.2, .1)),
            torch.where((focus >= .3) & (focus < .6), draw.uniform(.2, 1.6, n), 0.)]
    tint = draw.normal(1, .08, n, 3) * torch.where(look[0] > 0, 0., 1.)[:, None]
    tint = torch.where(look[0][:, None] > 0, torch.ones_like(tint), tint)
    canvas = quick(light, canvas, torch.cat([torch.stack(look, 1), tint], 1))
    few = n // 8                                      # scenes are in no order
    small = F.avg_pool2d(canvas[:few], 2)
    coarse = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
    canvas = torch.cat([coarse, canvas[few:]])
    noise = draw.chance(.35, n) * draw.uniform(.004, .045, n)
    canvas = canvas + noise[:, None, None, None] * draw.normal(0, 1, *canvas.shape)
    part = slice(n // 16, n // 16 + 2 * n // 5)
    blocks = quick(jpeg, canvas[part].clamp(0, 1), draw.uniform(15, 92, part.stop - part.start))
    canvas = torch.cat([canvas[:part.start], blocks, canvas[part.stop:]])
    return (canvas * 255).round().clamp(0, 255)
