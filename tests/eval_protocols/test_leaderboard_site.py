"""The site as files and in a real browser, with what strangers may send."""

import hashlib
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urldefrag

import jsonschema
import pytest
import yaml
from example_result import SHA256, episode, episodes_of, example_result, failed, sweep_result

from eval_protocols.leaderboard import (
    ForeignFolderError,
    check_source_url,
    make_leaderboard,
    write_leaderboard,
)
from eval_protocols.leaderboard.eval_results import eval_results
from eval_protocols.leaderboard.output_folder import replacing
from eval_protocols.protocol import load_protocol
from eval_protocols.results import write_result

ATTACK = "<script>window.pwned=1</script>\"'><img src=x onerror=window.pwned=1>{{7*7}}"
NO_SLASH = ATTACK.replace("/", "").replace(" ", "")  # a name of a protocol, task or condition
HIDDEN = "\u202egpj.exe\u200b\u2066\ud800"
ACTIONS = {"file": "actions.npz", "sha256": SHA256, "bytes": 10}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def named(name, **changes):
    policy = {"name": name, "weights_sha256": sha256(repr((name, changes)))}
    return example_result(policy=policy | changes.pop("policy", {}), **changes)


def hostile():
    return example_result(
        [
            episode(NO_SLASH, 1, condition=NO_SLASH),
            failed(NO_SLASH, 2, condition=NO_SLASH, error=ATTACK, failure=ATTACK),
        ],
        protocol={"name": NO_SLASH},
        policy={"name": ATTACK + HIDDEN, "config": {ATTACK: ["</pre>" + ATTACK]}},
        training={"name": NO_SLASH, "description": ATTACK},
        versions={key: ATTACK for key in example_result()["versions"]} | {"physics_sha256": SHA256},
        machine={"cpu": ATTACK, "cores": 2, "platform": ATTACK, "gpu": ATTACK},
    )


def known(name, good, total=20, **changes):
    """A result under a protocol of this installation."""
    protocol = load_protocol("in_domain")
    keys = ("name", "version", "headline", "after_success_steps", "sha256")
    return example_result(
        episodes_of("lift", "nominal", [seed < good for seed in range(total)]),
        protocol={key: getattr(protocol, key) for key in keys},
        policy={"name": name, "weights_sha256": sha256(name)},
        training={"name": protocol.training[0].name},
        **changes,
    )


@pytest.fixture
def publish(tmp_path):
    """Writes results and the site of them; returns the site."""

    def run(*results, **options):
        for index, each in enumerate(results):
            path = tmp_path / "in" / f"{index:02}" / "result.json"
            path.parent.mkdir(parents=True)
            write_result(path, each)
        site = tmp_path / "site"
        write_leaderboard(make_leaderboard([tmp_path / "in"]), site, **options)
        return site

    return run


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "circle", "line", "br", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "tags are not nested"

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


def test_every_link_leads_to_a_file_of_the_site(publish):
    site = publish(named("a", actions=ACTIONS), named("b"), sweep_result(), hostile())
    pages = list(site.rglob("*.html"))
    assert len(pages) == 3 + 3 + 4  # index, rules, refused; protocols; policies
    for path in pages:
        page = Page(path)
        assert page.open == []
        for tag, attributes in page.elements:
            for key in {"href", "src"} & attributes.keys():
                target, _ = urldefrag(attributes[key])
                assert (path.parent / unquote(target)).resolve().is_file(), attributes[key]
            assert not any(key.startswith("on") or key == "style" for key in attributes)
            assert tag not in ("link", "iframe", "img", "form", "base")


def test_nothing_of_a_stranger_is_markup(publish):
    site = publish(hostile())
    expected = {"script": 1, "style": 1}
    for path in site.rglob("*.html"):
        tags = [tag for tag, _ in Page(path).elements]
        assert {tag: tags.count(tag) for tag in expected} == expected
        text = path.read_text(encoding="utf-8")
        assert not set(HIDDEN) & set(text) - set("gpj.exe")
    (page,) = (site / "policies").iterdir()
    assert ATTACK + "<U+202E>gpj.exe<U+200B><U+2066><U+D800>" in Page(page).text
    assert Page(page).text.count("{{7*7}}") > 5


def test_file_names_are_ours(publish):
    names = ["../../evil", "/etc/passwd", "CON", "a" * 200, "Act", "act", ".", "\u202eact", "act "]
    site = publish(*(named(name) for name in names))
    pages = sorted(path.name for path in (site / "policies").iterdir())
    assert len(pages) == len({page.lower() for page in pages}) == len(names)
    assert all(re.fullmatch("[a-z0-9_-]{12,53}[.]html", page) for page in pages)
    assert {path.name for path in site.parent.iterdir()} == {"in", "site"}


def test_similar_names_are_marked_on_both(publish):
    site = publish(named("ACT"), named("\u0410\u0421\u0422"), named("dp"))
    marked = [
        path.name
        for path in (site / "policies").iterdir()
        if "Easily taken for another policy" in Page(path).text
    ]
    assert len(marked) == 2
    index = (site / "index.html").read_text(encoding="utf-8")
    assert (index.count("Similar name"), index.count("≈")) == (2, 2)
    (protocol,) = (site / "protocols").iterdir()
    ranking, _, tasks = protocol.read_text(encoding="utf-8").partition("By task")
    assert (ranking.count("Similar name"), tasks.count("Similar name")) == (2, 2)


def test_a_policy_page_says_how_to_verify_it(publish, tmp_path):
    site = publish(named("a", actions=ACTIONS), named("b"))
    a, b = (Page(path).text for path in sorted((site / "policies").iterdir()))
    assert f"python -m emma_gym.verify {tmp_path / 'in' / '00' / 'result.json'}" in a
    assert "cannot be verified" in b


def test_refused_files_are_listed(publish, tmp_path):
    bad = tmp_path / "in" / "<b>bad" / "result.json"
    bad.parent.mkdir(parents=True)
    bad.write_text(json.dumps({"<script>": 1}))
    site = publish(named("a"))
    text = Page(site / "refused.html").text
    assert str(bad) in text
    assert "Refused (1)" in Page(site / "index.html").text


def test_the_data_follow_their_schema(publish):
    site = publish(named("a"), sweep_result(), hostile(), known("b", 5))
    schema = json.loads(
        resources.files("eval_protocols.leaderboard")
        .joinpath("leaderboard.schema.json")
        .read_text()
    )
    document = json.loads((site / "leaderboard.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)


def test_the_same_input_gives_the_same_bytes(publish, tmp_path):
    site = publish(sweep_result(), hostile(), known("b", 5), source_url="https://x.org/")
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    write_leaderboard(make_leaderboard([tmp_path / "in"]), site, source_url="https://x.org/")
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before


def test_eval_results_have_only_numbers_that_may_stand_beside_others(publish):
    free = {"validated": False, "start": 0, "lists": {}}
    site = publish(
        known("good", 15),
        known("quick", 3, total=4),
        known("free", 20, seeds=free),
        named("of another protocol"),
        source_url="https://x.org/board/",
        dataset_id="me/mine",
    )
    (path,) = (site / ".eval_results").iterdir()
    (row,) = yaml.safe_load(path.read_text())
    protocol = load_protocol("in_domain")
    assert row == {
        "dataset": {
            "id": "me/mine",
            "task_id": f"in_domain_v{protocol.version}__{protocol.training[0].name}",
        },
        "value": 75.0,
        "date": "2026-01-02",
        "source": {
            "url": f"https://x.org/board/policies/{path.stem}.html",
            "name": "EMMA-Gym leaderboard",
        },
    }


def test_without_an_address_rows_name_no_source(publish, tmp_path):
    publish(known("good", 15))
    (text,) = eval_results(make_leaderboard([tmp_path / "in"])).values()
    assert yaml.safe_load(text)[0].keys() == {"dataset", "value", "date"}


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "x.org", "https://", "https://[", "file:/x"]
)
def test_only_web_addresses_are_sources(url):
    with pytest.raises(ValueError, match="expected https"):
        check_source_url(url)


def test_a_folder_that_is_not_ours_is_left_alone(publish, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "thesis.tex").write_text("all of it")
    with pytest.raises(ForeignFolderError, match="neither empty nor a leaderboard"):
        publish(named("a"))
    assert [path.name for path in site.iterdir()] == ["thesis.tex"]
    (site / "leaderboard.json").write_text('{"kind": "something else"}')
    with pytest.raises(ForeignFolderError), replacing(site):
        pass
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "in")
    for other in (link, tmp_path / "in" / "00" / "result.json"):
        with pytest.raises(ForeignFolderError), replacing(other):
            pass


def test_a_site_is_replaced_whole_or_not_at_all(publish, tmp_path):
    site = publish(named("a"))
    (site / "policies" / "of_an_older_version.html").write_text("")

    def fill():
        with replacing(site) as new:
            (new / "index.html").write_text("half")
            raise OSError("disk full")

    before = sorted(site.rglob("*"))
    with pytest.raises(OSError, match="disk full"):
        fill()
    assert sorted(site.rglob("*")) == before
    write_leaderboard(make_leaderboard([tmp_path / "in"]), site)
    assert not (site / "policies" / "of_an_older_version.html").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"in", "site"}


CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

HARNESS = """<!DOCTYPE html><iframe src="{page}" width="1000" height="1000"></iframe>
<pre id="report"></pre>
<script>
onload = () => {{
  const page = frames[0], doc = page.document, report = {{}};
  const column = (n) => [...doc.querySelector("table.sortable").tBodies[0].rows]
    .map((row) => row.cells[n].textContent.trim().split(/\\s/)[0]);
  {steps}
  report.pwned = page.pwned ?? null;
  report.title = doc.title;
  document.querySelector("#report").textContent = JSON.stringify(report);
}};
</script>"""


@pytest.fixture
def browse(tmp_path):
    """Opens a page in Chromium, runs steps on it, and returns their report."""
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine")

    def run(page: Path, steps: str = ""):
        harness = tmp_path / "harness.html"
        harness.write_text(HARNESS.format(page=page.as_uri(), steps=steps), encoding="utf-8")
        found = subprocess.run(
            [
                CHROMIUM,
                *(
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                ),
                *("--disable-background-networking", "--disable-component-update"),
                *("--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"),
                *("--allow-file-access-from-files", "--enable-logging=stderr"),
                *("--virtual-time-budget=5000", "--dump-dom", harness.as_uri()),
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )
        report = re.search('<pre id="report">(.+?)</pre>', found.stdout, re.DOTALL)
        assert report, found.stderr[-2000:]
        console = [line for line in found.stderr.splitlines() if "CONSOLE" in line]
        return json.loads(html.unescape(report[1])), console

    return run


def test_a_browser_sorts_and_runs_nothing_of_a_stranger(publish, browse):
    results = [known(name, good) for name, good in (("b", 3), ("a", 19), ("c", 12), ("d", 12))]
    site = publish(*results, hostile(), named("x", policy={"config": {"a": "</script>" + ATTACK}}))
    protocol = next(
        path
        for path in (site / "protocols").glob("in_domain*")
        if "not one of this installation" not in path.read_text()
    )
    own = next(p for p in (site / "protocols").iterdir() if "window-pwned" in p.name)
    report, console = browse(
        protocol,
        """
        report.before = column(1);
        const heads = doc.querySelectorAll("table.sortable thead button");
        heads[1].click();
        report.by_name = column(1);
        heads[2].click();
        report.by_rate = column(2);
        heads[2].click();
        report.by_rate_down = column(2);
        """,
    )
    assert report == {
        "before": ["a", "c", "d", "b"],
        "by_name": ["a", "b", "c", "d"],
        "by_rate": ["15.0%", "60.0%", "60.0%", "95.0%"],
        "by_rate_down": ["95.0%", "60.0%", "60.0%", "15.0%"],
        "pwned": None,
        "title": "In domain, EMMA-Gym leaderboard",
    }
    assert console == []
    (policy,) = (site / "policies").glob("script-window*")
    for page in (own, policy):
        report, console = browse(page)
        assert (report["pwned"], console) == (None, [])
        assert "<script>" in report["title"]


def test_a_browser_searches_the_index(publish, browse):
    site = publish(known("alpha", 3), named("beta"), hostile())
    report, console = browse(
        site / "index.html",
        """
        const field = doc.querySelector("input[type=search]");
        const shown = () => [...doc.querySelectorAll("#policies tbody tr")]
          .filter((row) => row.offsetParent !== null).map((row) => row.cells[0].innerText.trim());
        const type = (text) => { field.value = text; field.dispatchEvent(new Event("input")); };
        report.all = shown().length;
        type("IN_domain alph");
        report.some = shown();
        report.cards = [...doc.querySelectorAll(".card")].filter((card) => !card.hidden).length;
        type("nobody has this name");
        report.none = shown();
        report.told = !doc.querySelector("#nothing-found").hidden;
        """,
    )
    assert report.pop("title") == "EMMA-Gym leaderboard"
    assert report == {
        "all": 3,
        "some": ["alpha"],
        "cards": 1,
        "none": [],
        "told": True,
        "pwned": None,
    }
    assert console == []
