"""The world: SAPIEN simulation, robot, objects, tasks, experts, cameras.

Importing this package registers a Gymnasium id for every task, such as
`emma_gym/BlockHammerBeat-v0`. SAPIEN itself is imported when the first environment is made.
"""

from envs.registration import env_id, make_env, register_envs, task_names
from envs.vulkan import configure

configure()  # before anything imports SAPIEN
register_envs()

__all__ = ["env_id", "make_env", "register_envs", "task_names"]
