"""A generated data set of one recorded episode."""

from types import MappingProxyType

from recorded_episode import CAMERAS, TASK

from augment.baselines.color_jitter import ColorJitter
from augment.generation import generate, sampled_prompts
from envs.demonstrations.dataset import Dataset, DatasetInfo, Part


def source_of(folder, recorded_path, variations=MappingProxyType({})):
    DatasetInfo(
        tasks=(TASK,),
        parts=(Part(1, dict(variations)),),
        seed=0,
        cameras=CAMERAS,
        camera_model="D435",
        resolution=(96, 72),
        pictures=("rgb", "depth", "segmentation"),
        control_hz=16.67,
        training_set="in_domain/nominal_100",
    ).save(folder)
    (folder / TASK).mkdir()
    (folder / TASK / "000000.h5").symlink_to(recorded_path)
    return Dataset(folder)


def make(source, folder, restyler=None, progress=lambda done, total: None, **changed):
    options = {"settings": {}, "prompts": sampled_prompts("train"), "per_demo": 3, "seed": 5}
    options |= changed
    generate(
        source, (TASK,), restyler or ColorJitter(), folder=folder, progress=progress, **options
    )
    return Dataset(folder)
