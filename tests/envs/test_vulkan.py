import importlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from envs import vulkan

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(autouse=True)
def plain_machine(monkeypatch):
    """No driver variables, no GPU; `configure` writes into an environment of the test's own."""
    monkeypatch.setattr(vulkan.os, "environ", dict(os.environ))
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        os.environ.pop(name, None)
    monkeypatch.setattr(vulkan, "nvidia_gpu_present", lambda: False)
    monkeypatch.setattr(vulkan.ctypes, "CDLL", lambda path: None)


def record(**changes):
    fields = {
        "driver_files": "lvp_icd.json",
        "preload": (),
        "package": "mesa-vulkan-drivers 25.0.7",
        "nvidia": False,
        "probe": vulkan.ProbeResult(ok=True, device="llvmpipe", software=True),
    }
    return vulkan.DriverRecord(**(fields | changes))


def test_a_record_can_be_read_back(tmp_path):
    written = record(preload=("lib/a.so", "lib/b.so"))
    written.write(tmp_path)
    assert vulkan.read_record(tmp_path) == written
    assert [path.name for path in tmp_path.iterdir()] == [vulkan.RECORD_NAME]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"probe": {}}', '{"probe": null}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / vulkan.RECORD_NAME).write_text(text)
    assert vulkan.read_record(tmp_path) is None
    vulkan.configure(tmp_path)
    assert "VK_DRIVER_FILES" not in os.environ


def test_configure_points_to_the_recorded_driver_under_both_names(tmp_path):
    record().write(tmp_path)
    vulkan.configure(tmp_path)
    assert os.environ["VK_DRIVER_FILES"] == str(tmp_path / "lvp_icd.json")
    assert os.environ["VK_ICD_FILENAMES"] == str(tmp_path / "lvp_icd.json")


def test_configure_leaves_the_machines_own_driver(tmp_path):
    record(driver_files="").write(tmp_path)
    vulkan.configure(tmp_path)
    assert "VK_DRIVER_FILES" not in os.environ


@pytest.mark.parametrize("name", ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"])
def test_configure_leaves_what_the_user_has_set(tmp_path, name):
    record().write(tmp_path)
    os.environ[name] = "/theirs.json"
    vulkan.configure(tmp_path)
    assert {os.environ.get(n, "/theirs.json") for n in vulkan._DRIVER_VARIABLES} == {"/theirs.json"}


@pytest.mark.parametrize(("gpu_then", "follows"), [(False, False), (True, True)])
def test_configure_leaves_a_gpu_that_the_installer_did_not_see(
    tmp_path, monkeypatch, gpu_then, follows
):
    record(nvidia=gpu_then).write(tmp_path)
    monkeypatch.setattr(vulkan, "nvidia_gpu_present", lambda: True)
    vulkan.configure(tmp_path)
    assert ("VK_DRIVER_FILES" in os.environ) == follows


def test_configure_loads_libraries_in_order_in_a_child_too(tmp_path, monkeypatch):
    loaded = []
    monkeypatch.setattr(vulkan.ctypes, "CDLL", loaded.append)
    record(preload=("lib/b.so", "lib/a.so")).write(tmp_path)
    vulkan.configure(tmp_path)
    vulkan.configure(tmp_path)  # as in a child process, which inherits the variables
    assert loaded == [str(tmp_path / "lib/b.so"), str(tmp_path / "lib/a.so")] * 2


def test_configure_warns_of_a_library_that_is_gone(tmp_path, monkeypatch):
    monkeypatch.undo()  # the real loader
    record(driver_files="", preload=("lib/gone.so",)).write(tmp_path)
    with pytest.warns(UserWarning, match=r"gone\.so.*make vulkan"):
        vulkan.configure(tmp_path)


def test_configure_silences_only_sapiens_note_on_its_own_loader(tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vulkan.configure(tmp_path)
        warnings.warn("Failed to find system libvulkan. Fallback to SAPIEN's.", stacklevel=1)
        warnings.warn("Failed to find Vulkan ICD file.", stacklevel=1)
    assert [str(each.message) for each in caught] == ["Failed to find Vulkan ICD file."]


def test_the_module_does_not_import_sapien():
    code = "import sys, runpy; runpy.run_path(sys.argv[1]); sys.exit('sapien' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, vulkan.__file__]).returncode == 0


def test_the_help_is_one_line_that_says_what_to_do():
    assert "\n" not in vulkan.RENDERING_HELP
    assert "make vulkan" in vulkan.RENDERING_HELP
    assert "VK_DRIVER_FILES" in vulkan.RENDERING_HELP


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("print('noise'); print('{\"a\": 1}')", {"a": 1}),
        ("raise ValueError('why not')", {"error": "ValueError: why not"}),
        ("import os; os.kill(os.getpid(), 11)", {"error": "crashed (SIGSEGV)"}),
        ("import time; time.sleep(60)", {"error": "no answer within 1 s"}),
        ("pass", {"error": "no answer"}),
    ],
)
def test_ask_survives_what_its_subprocess_does(tmp_path, code, answer):
    (tmp_path / "child.py").write_text(code)
    assert vulkan.ask([str(tmp_path / "child.py")], timeout_s=1.0) == answer


def test_probe_renders_with_the_driver_of_this_environment():
    if not (vulkan.read_record() and vulkan.read_record().probe.ok):
        pytest.skip(vulkan.RENDERING_HELP)
    result = vulkan.probe()
    assert result.ok, result.error
    assert result.device
    assert result.frames_per_s > 1


def test_probe_reports_a_driver_that_does_not_exist(tmp_path):
    record(driver_files="nowhere.json").write(tmp_path)
    result = vulkan.probe(tmp_path)
    assert not result.ok
    assert result.error
    assert "\n" not in result.error


@pytest.fixture
def installer(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    monkeypatch.setattr(sys, "path", list(sys.path))  # the script adds the folder of vulkan.py
    yield importlib.import_module("install_vulkan_driver")
    for name in ("install_vulkan_driver", "apt_sources", "vulkan"):
        sys.modules.pop(name, None)


ONE_LINE = """\
# deb http://old.example/debian bookworm main
deb [arch=amd64,arm64 signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm main contrib # x
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/security bookworm-security main
deb http://other.example/debian bookworm stable
deb cdrom:[Debian 12]/ bookworm main
"""  # noqa: E501

DEB822 = """\
# A comment, and a field in the old
Types: deb deb-src
URIs: http://mirror.example/debian
# another
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: http://vendor.example/apt
Suites: vendor-bookworm
Components: main
"""


def apt_folder(tmp_path, one_line="", deb822=""):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(one_line)
    (tmp_path / "sources.list.d" / "debian.sources").write_text(deb822)
    return tmp_path


def test_one_line_sources_gain_backports_on_their_own_mirror(tmp_path, installer):
    sources = installer.distribution_sources(apt_folder(tmp_path, one_line=ONE_LINE), "bookworm")
    assert [each["uris"] for each in sources] == [
        "http://mirror.example/debian",
        "http://mirror.example/security",
    ]
    assert sources[0]["suites"] == "bookworm bookworm-backports"
    assert sources[0]["signed-by"] == "/keys/debian.gpg"
    assert sources[0]["architectures"] == "amd64 arm64"
    assert sources[0]["components"].split() == ["main", "contrib"]
    assert sources[1]["suites"] == "bookworm-security"


def test_deb822_sources_keep_an_embedded_key(tmp_path, installer):
    sources = installer.distribution_sources(apt_folder(tmp_path, deb822=DEB822), "bookworm")
    assert len(sources) == 1
    assert sources[0]["types"] == "deb"
    assert sources[0]["suites"] == "bookworm bookworm-updates bookworm-backports"
    written = installer.format_sources(sources)
    assert "\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----\n" in written
    (again := tmp_path / "again").mkdir()
    assert installer.distribution_sources(apt_folder(again, deb822=written), "bookworm") == sources


def test_backports_are_not_added_twice(tmp_path, installer):
    folder = apt_folder(
        tmp_path, deb822=DEB822.replace("bookworm-updates", "bookworm-updates bookworm-backports")
    )
    (source,) = installer.distribution_sources(folder, "bookworm")
    assert source["suites"].split().count("bookworm-backports") == 1


@pytest.mark.parametrize(
    ("candidate", "version"),
    [
        ("22.3.6-1+deb12u1", (22, 3)),
        ("25.0.7-2~bpo12+1", (25, 0)),
        ("1:24.2.8-1", (24, 2)),
        ("(none)", (0, 0)),
    ],
)
def test_mesa_version(installer, candidate, version):
    text = f"mesa-vulkan-drivers:\n  Installed: (none)\n  Candidate: {candidate}\n"
    assert installer.mesa_version(text) == version


@pytest.fixture
def no_driver(installer, monkeypatch, tmp_path):
    failed = installer.vulkan.ProbeResult(False, error="RuntimeError: no device")
    monkeypatch.setattr(installer.vulkan, "probe", lambda *args, **options: failed)
    monkeypatch.setattr(installer, "SYSTEM_MANIFESTS", tmp_path / "none")
    monkeypatch.setattr(installer.vulkan, "driver_folder", lambda: tmp_path / "venv" / "vulkan")
    return tmp_path / "venv" / "vulkan"


def test_without_apt_the_installer_says_so_in_one_line_and_remembers(
    installer, no_driver, monkeypatch, capsys
):
    monkeypatch.setattr(installer.shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["install"])
    assert installer.main() == 1
    said = capsys.readouterr().err
    assert "apt-get" in said
    assert said.count("\n") == 1
    assert json.loads((no_driver / "driver.json").read_text())["probe"]["ok"] is False
    assert [path.name for path in no_driver.parent.iterdir()] == ["vulkan"]

    monkeypatch.setattr(installer, "choose", lambda *args, **options: pytest.fail("looked again"))
    monkeypatch.setattr(sys, "argv", ["install", "--optional"])
    assert installer.main() == 0
    assert capsys.readouterr().err == said


def test_a_source_that_cannot_be_reached_is_named(installer, no_driver, monkeypatch, tmp_path):
    lines = "deb [trusted=yes] file:/nowhere/at/all bookworm main\n"
    (folder := tmp_path / "apt").mkdir()
    monkeypatch.setattr(installer, "APT_FOLDER", apt_folder(folder, one_line=lines))
    monkeypatch.setattr(installer, "os_codename", lambda: "bookworm")
    if not (installer.shutil.which("apt-get") and installer.shutil.which("dpkg-deb")):
        pytest.skip("there is no apt here")
    error = installer.install(no_driver, system=False).probe.error
    assert "apt-get failed" in error
    assert "/nowhere/at/all" in error
    assert "\n" not in error


def test_a_driver_that_works_outlives_a_failed_attempt(installer, no_driver, monkeypatch, capsys):
    no_driver.mkdir(parents=True)
    works = installer.vulkan.ProbeResult(True, device="llvmpipe")
    kept = installer.vulkan.DriverRecord("lvp_icd.json", (), "", False, works)
    kept.write(no_driver)
    none = installer.vulkan.ProbeResult(False, error="no device")
    monkeypatch.setattr(
        installer.vulkan, "probe", lambda folder, **options: works if folder == no_driver else none
    )
    monkeypatch.setattr(installer.shutil, "which", lambda name: None)
    assert installer.install(no_driver, system=False) == kept
    assert installer.vulkan.read_record(no_driver) == kept
    assert "stays" in capsys.readouterr().out
