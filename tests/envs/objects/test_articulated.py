import numpy as np
import pytest
import sapien

from envs.objects.articulated import ArticulatedModel, SlidingPart
from envs.objects.model import ObjectModel
from envs.simulation import Simulation

AXES = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0))


def chest(axis, **options):
    body = ObjectModel.box((0.1, 0.1, 0.1), (0.5, 0.5, 0.5))
    part = ObjectModel.box((0.05, 0.05, 0.05), (0.5, 0.5, 0.5), mass=0.2)
    return ArticulatedModel(body, SlidingPart("drawer", part, axis, 0.12, **options))


@pytest.mark.parametrize("axis", AXES)
def test_a_part_slides_along_its_axis_as_far_as_its_travel(axis):
    simulation = Simulation(visuals=False)
    pose = sapien.Pose([0.0, 0.0, 1.2], [np.cos(0.3), 0.0, 0.0, np.sin(0.3)])
    part = simulation.add_articulated("chest", chest(axis), pose)
    link = part.find_component_by_type(sapien.physx.PhysxArticulationLinkComponent)
    push = pose.to_transformation_matrix()[:3, :3] @ np.array(axis) * 6.0
    before = simulation.state()
    for _ in range(250):
        link.add_force_torque(push, np.zeros(3))
        simulation.step()
    moved = pose.inv() * simulation.pose("drawer")
    assert np.allclose(moved.p, 0.12 * np.array(axis), atol=2e-3)
    assert np.allclose(simulation.pose("chest").p, pose.p)
    assert not np.allclose(simulation.state(), before), "the slide is part of the state"


def test_friction_holds_a_part_until_it_is_pushed_harder():
    def pushed(force):
        simulation = Simulation(visuals=False)
        model = chest((1.0, 0.0, 0.0), friction=1.0)
        part = simulation.add_articulated("chest", model, sapien.Pose([0.0, 0.0, 1.2]))
        link = part.find_component_by_type(sapien.physx.PhysxArticulationLinkComponent)
        for _ in range(100):
            link.add_force_torque(np.array([force, 0.0, 0.0]), np.zeros(3))
            simulation.step()
        return simulation.pose("drawer").p[0]

    assert pushed(0.1) < 0.01 < pushed(6.0)


def test_names_are_taken_once():
    simulation = Simulation(visuals=False)
    simulation.add_articulated("chest", chest(AXES[0]), sapien.Pose([0.0, 0.0, 1.2]))
    with pytest.raises(ValueError, match="there is a 'drawer'"):
        simulation.add("drawer", ObjectModel.box((0.1, 0.1, 0.1), (0, 0, 0)), sapien.Pose())
