"""Where numbers come from: versions, sources and the machine, as results record them."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from envs import vulkan
from envs.source_code import physics_sha256

#: The import packages of this distribution, whose sources decide numbers.
PACKAGES = ("emma_gym", "eval_protocols", "policies", "augment", "learning", "envs")
SOURCE_SUFFIXES = (".py", ".yaml", ".json", ".vert", ".frag", ".glsl")

_ROOT = Path(__file__).resolve().parent.parent


def software_versions() -> dict[str, str | None]:
    """Versions of everything that can change a number. Imports none of it."""
    return {
        "emma_gym": _version("emma-gym"),
        "git_commit": git_commit(),
        "source_sha256": source_sha256(),
        "physics_sha256": physics_sha256(),
        "sapien": _version("sapien"),
        "python": platform.python_version(),
        "torch": _version("torch"),
        "numpy": _version("numpy"),
        "gymnasium": _version("gymnasium"),
    }


def renderer_versions() -> dict[str, str | None]:
    """What makes the pictures of this process: driver manifest, device, shader. Starts it."""
    from envs.rendering import render_device, shader  # loads SAPIEN, which a worker has anyway

    driver = os.environ.get("VK_DRIVER_FILES") or os.environ.get("VK_ICD_FILENAMES")
    record = vulkan.read_record()
    if record and driver == str(vulkan.driver_folder() / record.driver_files):
        driver = record.package or driver  # the version says more than where it lies
    return {"vulkan_driver": driver, "vulkan_device": render_device(), "shader": shader()}


@functools.cache
def source_sha256() -> str:
    """Hash of all sources and data of our packages, names included.

    A commit does not tell what ran: the working tree may differ from it, and an installed package
    has none.
    """
    digest = hashlib.sha256()
    for path in _sources(_ROOT / package for package in PACKAGES):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(_ROOT).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def git_commit() -> str | None:
    """Commit that is checked out where the packages lie; None outside of a checkout."""
    if not (_ROOT / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(_ROOT), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):  # no git here
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def machine() -> dict[str, str | int | None]:
    """The machine, as far as it explains speed."""
    return {
        "cpu": _cpu(),
        "cores": usable_cores(),
        "platform": platform.platform(),
        "gpu": _gpu(),
    }


def usable_cores() -> int:
    """Cores this process may use: its affinity, and a container's quota, rounded down."""
    cores = len(os.sched_getaffinity(0))
    for quota in (_quota_v2(), _quota_v1()):
        if quota is not None:
            cores = min(cores, int(quota))
    return max(1, cores)


def _quota_v2() -> float | None:
    fields = _read("/sys/fs/cgroup/cpu.max").split()
    if len(fields) != 2 or fields[0] == "max":
        return None
    return int(fields[0]) / int(fields[1])


def _quota_v1() -> float | None:
    quota = _read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").strip()
    period = _read("/sys/fs/cgroup/cpu/cpu.cfs_period_us").strip()
    if not quota or not period or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def _cpu() -> str | None:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or None


def _gpu() -> str | None:
    """Names of the NVIDIA GPUs, from the driver itself."""
    names = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in _read(str(path)).splitlines():
            if line.startswith("Model:"):
                names.append(line.partition(":")[2].strip())
    return ", ".join(names)[:300] or None


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _sources(folders: Iterable[Path]) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in SOURCE_SUFFIXES and "__pycache__" not in path.parts
    )
