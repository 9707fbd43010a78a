"""The world: SAPIEN simulation, robot, objects, tasks, experts, cameras.

Importing this package registers a Gymnasium id for every task, such as
`emma_gym/BlockHammerBeat-v0`.
"""

from envs.vulkan import configure

configure()  # before anything below imports SAPIEN

from envs.registration import make_env, register_envs, task_names  # noqa: E402

register_envs()

__all__ = ["make_env", "register_envs", "task_names"]
