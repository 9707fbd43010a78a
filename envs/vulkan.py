"""Which Vulkan driver SAPIEN renders with, and whether it works.

SAPIEN 3 needs a Vulkan driver even on a machine without a GPU: Mesa's software driver *lavapipe*
(version 23.3 or newer). `scripts/install_vulkan_driver.py` unpacks one into the folder `vulkan` of
the virtual environment where the machine has none that works, and leaves a record of its choice:

    .venv/vulkan/driver.json      what was chosen, and what the probe measured
    .venv/vulkan/lvp_icd.json     the driver's manifest, which the Vulkan loader reads
    .venv/vulkan/lib/*.so*        the driver, and the libraries that the machine lacks

`configure` follows that record. It must run before SAPIEN creates its first renderer, so `envs`
calls it before it first imports SAPIEN. Nothing here imports SAPIEN at module level.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

#: The one line to show when pictures are needed and no driver works.
RENDERING_HELP = (
    "No Vulkan driver works here, so nothing can be rendered: run `make vulkan`, or install "
    "mesa-vulkan-drivers >= 23.3 (Debian 12: from bookworm-backports) or your GPU's driver, or set "
    "VK_DRIVER_FILES to the manifest of another driver (such as conda-forge's mesa-lavapipe)."
)

RECORD_NAME = "driver.json"

# VK_DRIVER_FILES is the newer name of VK_ICD_FILENAMES. Both are set: loaders before 1.3.207
# (Ubuntu 22.04's) know only the older one, and so does SAPIEN's own search for an NVIDIA driver.
_DRIVER_VARIABLES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")


@dataclasses.dataclass(frozen=True)
class ProbeResult:
    """What came of rendering in a process of its own.

    Attributes:
        ok: Whether a picture was rendered that is not all one colour.
        device: Vulkan device that SAPIEN chose, such as "llvmpipe (LLVM 15.0.6, 256 bits)"; empty
            if there is none.
        driver: Driver manifests the loader was pointed to; empty if it searched the machine.
        software: Whether the device is a software rasterizer.
        first_frame_s: Time to the first picture, in s; mostly the compilation of shaders.
        frames_per_s: Pictures of 320 x 240 per second after that, of a scene with one box.
        error: Why it failed, in one line; empty if `ok`.
    """

    ok: bool
    device: str = ""
    driver: str = ""
    software: bool = False
    first_frame_s: float = 0.0
    frames_per_s: float = 0.0
    error: str = ""


@dataclasses.dataclass(frozen=True)
class DriverRecord:
    """The installer's choice of driver for this virtual environment.

    Attributes:
        driver_files: Value for VK_DRIVER_FILES; a relative path is relative to the record's folder.
            Empty: the drivers that the machine itself offers.
        preload: Libraries that the driver or SAPIEN needs and the machine lacks, each after those
            it needs itself, relative to the record's folder.
        package: Package and version that the driver was unpacked from; empty if it was not.
        nvidia: Whether the machine had an NVIDIA GPU when this was chosen.
        probe: What the probe of the chosen driver found.
    """

    driver_files: str
    preload: tuple[str, ...]
    package: str
    nvidia: bool
    probe: ProbeResult

    def write(self, folder: Path) -> None:
        """Writes the record into `folder`, whole or not at all."""
        temporary = folder / f"{RECORD_NAME}.{os.getpid()}"
        temporary.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
        temporary.replace(folder / RECORD_NAME)


def driver_folder() -> Path:
    """Returns the folder of this virtual environment that holds the driver and its record."""
    return Path(sys.prefix) / "vulkan"


def read_record(folder: Path | None = None) -> DriverRecord | None:
    """Reads the installer's record.

    Args:
        folder: Folder it lies in; by default `driver_folder()`.

    Returns:
        The record, or None if there is none that this version can read.
    """
    try:
        fields = json.loads(((folder or driver_folder()) / RECORD_NAME).read_text())
        fields["probe"] = ProbeResult(**fields["probe"])
        fields["preload"] = tuple(fields["preload"])
        return DriverRecord(**fields)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # never installed, or written by another version: the machine's own drivers


def nvidia_gpu_present() -> bool:
    """Tells whether the kernel offers an NVIDIA GPU (without the seconds `nvidia-smi` can take)."""
    return Path("/dev/nvidiactl").exists()


def configure(folder: Path | None = None) -> None:
    """Points the Vulkan loader to the recorded driver; call it before the first `import sapien`.

    Variables that the user has set win. A GPU that was not there when the record was made (the
    environment may lie on a shared disk) wins too: the machine's own drivers are left to be found.

    Args:
        folder: Folder of the driver and its record; by default `driver_folder()`.
    """
    # SAPIEN brings a Vulkan loader of its own for machines without one, and it serves as well.
    warnings.filterwarnings("ignore", "Failed to find system libvulkan", UserWarning)

    folder = folder or driver_folder()
    record = read_record(folder)
    if record is None:
        return
    new_gpu = nvidia_gpu_present() and not record.nvidia
    if record.driver_files and not new_gpu and not _driver_variable():
        for name in _DRIVER_VARIABLES:
            os.environ[name] = str(folder / record.driver_files)
    # Whoever set the variables: a child process inherits them, but not the loaded libraries, and
    # SAPIEN itself may need some of them.
    for library in record.preload:
        try:
            # The loader then finds a library by its name among those already loaded. Its symbols
            # stay local, so that this LLVM cannot get in the way of another one in the process.
            ctypes.CDLL(str(folder / library))
        except OSError as error:
            warnings.warn(f"{error}. Run `make vulkan` to get it again.", stacklevel=2)
            return


def ask(
    command: list[str], timeout_s: float, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Runs a Python file that prints JSON; only the subprocess suffers if it crashes or hangs.

    Args:
        command: The file and its arguments.
        timeout_s: Time after which it is given up, in s.
        environment: Environment variables for it.

    Returns:
        What it printed in its last line; or "error" with why there is nothing, in one line.
    """
    # PYTHONSAFEPATH: the file's folder must not become a place to import from.
    environment = {**environment, "PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, *command]
    try:
        child = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {timeout_s:.0f} s"}
    lines = child.stdout.strip().splitlines()
    if child.returncode == 0 and lines:
        answer: dict[str, Any] = json.loads(lines[-1])
        return answer
    if child.returncode < 0:
        return {"error": f"crashed ({signal.Signals(-child.returncode).name})"}
    return {"error": (child.stderr.strip().splitlines() or ["no answer"])[-1]}


def probe(
    folder: Path | None = None, *, use_record: bool = True, timeout_s: float = 180.0
) -> ProbeResult:
    """Renders a few pictures in a subprocess; a driver that crashes takes only that down.

    Args:
        folder: Folder of the driver and its record; by default `driver_folder()`.
        use_record: Whether to follow the record, as `configure` does; otherwise what the
            environment variables say, or else the machine's own drivers are tried.
        timeout_s: Time after which the subprocess is given up, in s.

    Returns:
        What was found; a failure is returned, never raised.
    """
    folder = folder or driver_folder()
    environment = dict(os.environ)
    command = [__file__, str(folder)] if use_record else [__file__]
    record = read_record(folder)
    if record and _driver_variable() == str(folder / record.driver_files):
        for name in _DRIVER_VARIABLES:  # set by `configure` in this process, not by the user
            environment.pop(name, None)
    answer = ask(command, timeout_s, environment)
    return ProbeResult(**answer) if "ok" in answer else ProbeResult(ok=False, **answer)


def _driver_variable() -> str:
    """Returns the driver manifests that the environment names, as the loader would read them."""
    return next((os.environ[name] for name in _DRIVER_VARIABLES if os.environ.get(name)), "")


def _render(width: int = 320, height: int = 240, measure_s: float = 1.0) -> ProbeResult:
    """Renders a box in this process, which a bad driver may crash.

    Args:
        width: Width of the pictures, in pixels.
        height: Height of the pictures, in pixels.
        measure_s: How long to go on rendering after the first picture, in s.
    """
    import sapien

    started = time.perf_counter()
    sapien.render.set_camera_shader_dir(str(Path(__file__).with_name("shaders")))
    device = sapien.render.RenderSystem().device
    scene = sapien.Scene()
    scene.set_ambient_light([0.5, 0.5, 0.5])
    box = scene.create_actor_builder()
    box.add_box_visual(half_size=[0.1, 0.1, 0.1])
    box.build_static()
    camera = scene.add_camera("probe", width, height, fovy=0.6, near=0.1, far=10.0)
    camera.set_entity_pose(sapien.Pose([-1.0, 0.0, 0.0]))

    def picture() -> npt.NDArray[np.float32]:
        scene.update_render()
        camera.take_picture()
        color: npt.NDArray[np.float32] = camera.get_picture("Color")
        return color

    first = picture()
    first_frame_s = time.perf_counter() - started
    count, started = 0, time.perf_counter()
    while (elapsed_s := time.perf_counter() - started) < measure_s:
        picture()
        count += 1
    seen = float(first[..., :3].max() - first[..., :3].min()) > 0.0
    return ProbeResult(
        ok=seen,
        device=device.name,
        driver=_driver_variable(),
        software="llvmpipe" in device.name or "SwiftShader" in device.name,
        first_frame_s=first_frame_s,
        frames_per_s=count / elapsed_s,
        error="" if seen else f"{device.name} renders pictures of one colour",
    )


if __name__ == "__main__":  # the subprocess of `probe`
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).parent)]
    if len(sys.argv) > 1:
        configure(Path(sys.argv[1]))
    print(json.dumps(dataclasses.asdict(_render())))
