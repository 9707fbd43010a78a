"""`python -m envs.objects.gallery [FAMILY ...]`: draws a contact sheet of object families.

Every family gets two rows: its seen instances 0-9 and, below, its unseen ones 10-19, each with the
shape and the appearance of its number.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import sapien
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from tqdm import tqdm

from envs import rendering
from envs.cameras import CameraModel, facing
from envs.errors import InvalidOptionError, RenderingUnavailableError
from envs.objects import articulated
from envs.objects.articulated import ArticulatedModel
from envs.objects.families import FAMILIES, load_family
from envs.objects.instances import SEEN, UNSEEN
from envs.objects.model import ObjectModel
from envs.rendering import Camera

_OVERSAMPLING = 2
_VIEW = np.array([0.35, -0.75, 0.62])
"""From where an object is seen: its direction from the object."""


def picture(model: ObjectModel | ArticulatedModel, pixels: int) -> NDArray[np.uint8]:
    """One object on the ground, filling a square picture.

    Args:
        model: What to draw; it stands on the ground as its frame has it.
        pixels: Edge of the picture.

    Returns:
        (pixels, pixels, 3) uint8.
    """
    scene = sapien.Scene([sapien.physx.PhysxCpuSystem(), sapien.render.RenderSystem()])
    scene.set_ambient_light([0.42, 0.42, 0.42])
    scene.add_directional_light([0.3, 0.5, -1.0], [1.6, 1.6, 1.6])
    scene.add_point_light([-1.0, -0.5, 1.2], [0.6, 0.6, 0.6])
    ground = sapien.Entity()
    ground.add_component(ObjectModel.box((2.0, 2.0, 0.01), (0.75, 0.74, 0.72)).render_body())
    solids = [model] if isinstance(model, ObjectModel) else [model.body, model.part.model]
    corners = np.concatenate([part.mesh.bounds for each in solids for part in each.visuals])
    low, high = corners.min(axis=0), corners.max(axis=0)
    ground.pose = sapien.Pose([0.0, 0.0, low[2] - 0.01])
    scene.add_entity(ground)
    if isinstance(model, ArticulatedModel):
        material = scene.create_physical_material(0.5, 0.5, 0.0)
        body, part = articulated.build(model, material, visuals=True)
        for entity in (body, part):
            scene.add_entity(entity)
        link = part.find_component_by_type(sapien.physx.PhysxArticulationLinkComponent)
        link.articulation.set_qpos(np.array([0.6 * model.part.travel], dtype=np.float32))
    else:
        entity = sapien.Entity()
        entity.add_component(model.render_body())
        scene.add_entity(entity)
    center, reach = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    eye = center + _VIEW / np.linalg.norm(_VIEW) * reach * 4.2
    camera = Camera(
        scene,
        CameraModel.with_fovy(_OVERSAMPLING * pixels, _OVERSAMPLING * pixels, np.deg2rad(28.0)),
        facing(eye, center - eye),
        None,
    )
    scene.update_render()
    camera.take()
    large = Image.fromarray(camera.read("gallery").rgb)
    return np.asarray(large.resize((pixels, pixels), Image.Resampling.BOX))


def contact_sheet(families: list[str], pixels: int) -> Image.Image:
    """Seen and unseen instances of families, with their names.

    Args:
        families: Names out of `envs.objects.families.FAMILIES`.
        pixels: Edge of one object's picture.
    """
    margin = 90
    sheet = Image.new("RGB", (margin + len(SEEN) * pixels, 2 * len(families) * pixels), "white")
    draw = ImageDraw.Draw(sheet)
    for row, name in enumerate(tqdm(families, desc="gallery")):
        family = load_family(name)
        for half, (word, numbers) in enumerate((("seen", SEEN), ("unseen", UNSEEN))):
            top = (2 * row + half) * pixels
            draw.text((8, top + pixels // 2 - 12), f"{name}\n{word}", fill="black")
            for column, number in enumerate(numbers):
                image = Image.fromarray(picture(family(number, number), pixels))
                sheet.paste(image, (margin + column * pixels, top))
    return sheet


def main() -> int:
    """Draws the families named on the command line, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m envs.objects.gallery", description=__doc__)
    parser.add_argument("families", nargs="*", metavar="FAMILY")
    parser.add_argument("--output", type=Path, default=Path("gallery.jpg"), help="picture to write")
    parser.add_argument("--pixels", type=int, default=96, help="edge of an object's picture")
    arguments = parser.parse_args()
    try:
        rendering.start()
        sheet = contact_sheet(arguments.families or list(FAMILIES), arguments.pixels)
    except (InvalidOptionError, RenderingUnavailableError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    sheet.save(arguments.output, quality=88)
    print(arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
