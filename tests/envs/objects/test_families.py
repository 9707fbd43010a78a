"""Every instance of every family: reproducible, light, graspable, and standing where it is put."""

import numpy as np
import pytest
import sapien

from envs.objects import blocks, instances
from envs.objects.articulated import ArticulatedModel
from envs.objects.families import FAMILIES, load_family
from envs.objects.instances import FOR_GENERATORS, SEEN, UNSEEN, Instances
from envs.simulation import Simulation

NUMBERS = [*SEEN, *UNSEEN]
SOME = (0, 4, 9, 10, 15, 19)
TOLERANCE = 0.002


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def family(request):
    return load_family(request.param)


def solids(model):
    return [model.body, model.part.model] if isinstance(model, ArticulatedModel) else [model]


def physics(model):
    return [(m.collisions, m.mass, m.points, m.grasps, m.angular_damping) for m in solids(model)]


def test_an_instance_is_a_function_of_its_numbers(family):
    for number in SOME:
        again = family.__wrapped__(number, number)
        assert again.sha256() == family(number, number).sha256()


def test_every_shape_and_every_appearance_is_another(family):
    assert len({repr(physics(family(shape, 0))) for shape in NUMBERS}) == len(NUMBERS)
    assert len({family(0, appearance).sha256() for appearance in NUMBERS}) == len(NUMBERS)


def test_appearance_changes_nothing_that_touches(family):
    assert len({repr(physics(family(3, appearance))) for appearance in NUMBERS}) == 1


@pytest.mark.parametrize(("shape", "appearance"), [(-1, 0), (20, 0), (0, -1), (0, 120)])
def test_there_are_no_other_numbers(family, shape, appearance):
    with pytest.raises(ValueError, match=r"not in 0 \.\. (19|119)"):
        family(shape, appearance)


def test_appearances_for_generators_are_others(family):
    looks = [
        {family(0, number).sha256() for number in numbers} for numbers in (NUMBERS, FOR_GENERATORS)
    ]
    assert not looks[0] & looks[1]
    assert len(looks[1]) > 60


def test_an_instance_has_a_name_and_words(family):
    name = family.__name__
    for number in SOME:
        model = solids(family(number, 19))[0]
        assert model.name == f"{name}-{number}-19"
        assert 5 < len(model.description) < 100


def test_an_instance_is_light(family):
    for number in NUMBERS:
        parts = [part for solid in solids(family(number, number)) for part in solid.visuals]
        assert sum(len(part.mesh.faces) for part in parts) <= 4500
        pieces = [piece for solid in solids(family(number, number)) for piece in solid.collisions]
        assert 1 <= len(pieces) <= 40
        for part in parts:
            lengths = np.linalg.norm(part.mesh.vertex_normals, axis=1)
            assert np.allclose(lengths, 1, atol=1e-2)
            if part.texture is not None:
                assert part.texture.dtype == np.uint8
                assert len(part.uv()) == len(part.mesh.vertices)


def test_normals_point_out_of_what_is_seen(family):
    """A surface seen from outside is lit from outside: vertex normals agree with faces."""
    for number in SOME:
        for solid in solids(family(number, number)):
            for part in solid.visuals:
                mesh = part.mesh
                areas = mesh.area_faces
                agree = (mesh.vertex_normals[mesh.faces].mean(axis=1) * mesh.face_normals).sum(1)
                assert areas[agree > 0].sum() > 0.98 * areas.sum()


def way_out(mesh, origin, direction):
    """Distance at which a ray first leaves a mesh (Moeller and Trumbore 1997), or infinity."""
    a, b, c = (mesh.triangles[:, i] for i in range(3))
    side = np.cross(direction, c - a)
    determinant = ((b - a) * side).sum(axis=1)
    with np.errstate(all="ignore"):
        u = ((origin - a) * side).sum(axis=1) / determinant
        up = np.cross(origin - a, b - a)
        v = (up @ direction) / determinant
        distance = ((c - a) * up).sum(axis=1) / determinant
        edge = 1e-6
        met = (u > -edge) & (v > -edge) & (u + v < 1 + edge) & (distance > 1e-6)
    met &= mesh.face_normals @ direction > 0
    return float(distance[met].min(initial=np.inf))


def inside(mesh, point):
    """Whether a point is in a convex mesh."""
    return bool((((point - mesh.triangles[:, 0]) * mesh.face_normals).sum(axis=1) <= 1e-9).all())


def test_fingers_close_on_what_is_seen(family):
    for number in NUMBERS:
        for solid in solids(family(number, number)):
            pieces = [piece.mesh() for piece in solid.collisions]
            for name, grasp in solid.grasps.items():
                origin, width = np.array(grasp.point), 0.0
                assert np.linalg.norm(grasp.closing) == pytest.approx(1, abs=1e-4)
                for direction in (np.array(grasp.closing), -np.array(grasp.closing)):
                    seen = min(way_out(p.mesh, origin, direction) for p in solid.visuals)
                    around = [piece for piece in pieces if inside(piece, origin)]
                    touched = max(way_out(piece, origin, direction) for piece in around)
                    assert abs(seen - touched) < TOLERANCE, (solid.name, name, seen, touched)
                    width += touched
                assert width < 0.08, (solid.name, name, width)


def test_it_rests_on_what_is_seen(family):
    for number in NUMBERS:
        for solid in solids(family(number, number)):
            seen = min(part.mesh.bounds[0, 2] for part in solid.visuals)
            assert abs(seen - solid.lowest()) < TOLERANCE, solid.name


def test_it_stays_where_it_is_put(family):
    for number in SOME:
        model = family(number, number)
        if isinstance(model, ArticulatedModel):
            continue
        simulation = Simulation(visuals=False)
        pose = sapien.Pose([0.0, 0.0, simulation.table_height - model.lowest() + 0.0005])
        simulation.add("thing", model, pose)
        for _ in range(250):
            simulation.step()
        after = simulation.pose("thing")
        assert np.abs(after.p - pose.p).max() < 0.004, model.name
        turned = 2 * np.arccos(min(1.0, abs(float(after.q[0]))))
        assert np.rad2deg(turned) < 3.0, model.name


def test_splits_are_kept():
    def numbers(**splits):
        drawn = Instances(np.random.default_rng(0), **splits)
        names = [drawn.draw(blocks.block, color="red").name.split("-")[1:] for _ in range(60)]
        return [{int(number) for number in column} for column in zip(*names, strict=True)]

    assert numbers() == [set(SEEN), set(SEEN)]
    assert numbers(shapes=UNSEEN) == [set(UNSEEN), set(SEEN)]
    assert numbers(appearances=UNSEEN) == [set(SEEN), set(UNSEEN)]
    assert numbers(shapes=(3, 12)) == [{3, 12}, set(SEEN)]


def test_the_one_seen_instance_is_replaced_when_unseen_ones_are_asked_for():
    for splits, seen in (({}, True), ({"shapes": UNSEEN, "appearances": UNSEEN}, False)):
        drawn = Instances(np.random.default_rng(0), **splits)
        names = {drawn.draw(blocks.block, only_seen=(4, 2)).name for _ in range(20)}
        assert (names == {"block-4-2"}) == seen


def test_generators_differ_between_families_and_numbers():
    draws = {
        instances.shape_rng("a", 0).random(),
        instances.shape_rng("a", 1).random(),
        instances.shape_rng("b", 0).random(),
        instances.appearance_rng("a", 0).random(),
    }
    assert len(draws) == 4
