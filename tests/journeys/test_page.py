"""The page of the real program in a real browser: what people do on it, and what must never happen there.

One node process drives one Chromium for all tests (tests/browser/driver.mjs). A scenario also fails when the page logs
an error, breaks its content policy, asks for anything but the server, or when axe finds something serious.
"""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from conftest import ROOT, Slipway

BROWSER = ROOT / "tests/browser"
HOSTILE = """# Harbour notes

The colour of the harbour crane is yellow <script>window.stolen = 1</script> and <img src=x onerror="window.stolen = 1"> grey.
"""


def node_modules():
    """What tests/browser/package-lock.json pins, where tools/common.sh keeps it."""
    script = f". {ROOT}/tools/common.sh; node_packages tests/browser"
    return subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    shutil.copytree(BROWSER, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(node_modules())
    pictures = tmp_path_factory.mktemp("pictures")
    driver = subprocess.Popen(["node", "driver.mjs"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "SLIPWAY_PICTURES": str(pictures)})

    def play(scenario, base, **options):
        driver.stdin.write(json.dumps({"scenario": scenario, "options": {"base": base, **options}}) + "\n")
        driver.stdin.flush()
        line = driver.stdout.readline()
        assert line, f"the browser ended: {driver.wait()}"
        outcome = json.loads(line)
        assert outcome["ok"], "\n".join(outcome["faults"])
        return outcome["notes"]

    yield play
    driver.stdin.close()
    driver.wait(timeout=20)


class Served:
    """`slipway serve` over its own copy of a data folder."""

    def __init__(self, slipway, *arguments):
        self.process = slipway.start("serve", "--port", 0, *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"http://\S+", line):
                self.base = found[0]
                return
        raise AssertionError(f"it does not serve: {''.join(self.said)}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        rest = self.process.communicate(timeout=40)[1]
        assert self.process.returncode == 0, "".join(self.said) + rest


def filled(program, prefix, folder, cache):
    slipway = Slipway(program, prefix, folder, cache)
    (folder / "hostile.md").write_text(HOSTILE)
    slipway.ok("ingest", ROOT / "demo/documents", folder / "hostile.md")
    return slipway


@pytest.fixture(scope="module")
def base(program, prefix, tmp_path_factory, cache):
    served = Served(filled(program, prefix, tmp_path_factory.mktemp("page"), cache))
    yield served.base
    served.stop()


@pytest.mark.parametrize("scenario", [
    "citation_opens_the_quote",
    "pdf_citation_opens_the_page_with_its_box",
    "sentences_come_while_the_answer_is_made",
    "refusal_says_where_one_might_look",
    "receipt_is_replayed_and_read",
    "hostile_text_stays_text",
    "policy_forbids_what_slips_in",
    "search_explains_its_order",
    "upload_is_followed_and_searchable",
    "dropped_files_are_taken",
    "snapshots_are_kept_and_dropped",
    "collection_is_deleted_only_by_its_name",
    "models_and_settings_are_shown",
    "keyboard_is_enough",
    "a_wrong_address_leads_on",
    "foreign_pages_change_nothing",
])
def test_page(browser, base, scenario):
    browser(scenario, base)


def test_colours_follow_the_system_and_the_choice(browser, base):
    browser("colours_follow_the_system_and_the_choice", base, theme="dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_every_page_is_accessible_and_fits(browser, base, theme, width):
    browser("every_page_is_accessible_and_fits", base, theme=theme, width=width, height=740)


def test_the_first_paint_is_quick_and_nothing_jumps(browser, base):
    notes = browser("first_paint_is_quick", base)
    print(notes)
    # The aim is 300 ms on a quiet machine; this only catches what is wrong by far.
    assert notes["first_paint_ms"][2] < 1500
    assert notes["layout_shift"] < 0.1
    assert notes["asset_bytes"] < 60_000


@pytest.mark.parametrize("width, theme", [(390, "dark"), (390, "light"), (1200, "dark"), (1200, "light")])
def test_the_page_of_the_api_lists_and_sends(browser, base, width, theme):
    browser("api_page_lists_and_sends", base, width=width, height=740, theme=theme)


@pytest.mark.parametrize("width", [390, 1200])
def test_an_address_is_fetched_or_told_why_not(browser, program, prefix, tmp_path, cache, width):
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "weir.md").write_text("# The weir\n\nThe weir opens at nine.\n")
    (folder / "quay.md").write_text("# The quay\n\nThe quay is closed.\n")
    (tmp_path / "serve.yaml").write_text(json.dumps({"server": {"allowed_folders": [str(folder)]}}))
    served = Served(Slipway(program, prefix, tmp_path, cache), "--config", "serve.yaml")
    browser("an_address_is_fetched_or_told_why_not", served.base, folder=str(folder.resolve()), width=width, height=740)
    served.stop()


@pytest.mark.parametrize("width, theme", [(390, "dark"), (1200, "light")])
def test_a_collection_is_migrated_and_rolled_back(browser, program, prefix, tmp_path, cache, width, theme):
    served = Served(filled(program, prefix, tmp_path, cache))
    browser("collection_is_migrated_and_rolled_back", served.base, width=width, height=740, theme=theme)
    served.stop()


def test_the_first_key_closes_the_door_and_opens_the_page(browser, program, prefix, tmp_path, cache):
    served = Served(filled(program, prefix, tmp_path, cache))
    browser("first_key_closes_the_door_and_opens_the_page", served.base, width=360, height=740)
    served.stop()
