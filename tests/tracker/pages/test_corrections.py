"""The report's editor of corrections, in the machine's Chromium, and what a corrected report shows.

The person of `looking` blinks at 2.0, 7.5 and 15.0 s in 24 s.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import PATIENCE_S
from tests.made_tracks import make_track
from tests.tracker.pages.made_reports import ATTACK, assert_harmless, looking, rendered, spoil_texts
from tests.tracker.pages.made_reports import Page as Parsed
from tracker.cli.main import main
from tracker.files.corrections import read_corrections
from tracker.measures.analysis import analyze_track
from tracker.measures.corrections import Corrections, Stretch, TimedEvent
from tracker.parameters import Parameters
from tracker.tracks.archive import load_track, save_track

SHA = "0123456789abcdef" * 4
FRAME_S = 1 / 30
BLINKS_S = [(at_s - FRAME_S, at_s + 0.2) for at_s in (2.0, 7.5, 15.0)]
SAID = Corrections(
    "AB",
    "2026-01-31T09:30:00Z",
    "glare",
    (
        TimedEvent(BLINKS_S[1][0] + 0.1, BLINKS_S[1][1], "blink"),
        TimedEvent(*BLINKS_S[2], "blink"),
        TimedEvent(18.0, 18.3, "prolonged_closure"),
    ),
    (Stretch(20.0, 21.0),),
    Stretch(0.5, 1.5),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a track and its report."""
    folder = tmp_path_factory.mktemp("editor")
    save_track(make_track(looking(), 30.0, video_sha256=SHA), folder / "clip.track.npz")
    assert main(["reanalyze", str(folder / "clip.track.npz"), "--out", str(folder)]) == 0
    return folder


class Editor:
    """The editor of a report, and what goes wrong on its page."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder
        page.set_default_timeout(1000 * PATIENCE_S)
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "console",
            lambda one: self.wrong.append(one.text) if one.type in ("error", "warning") else None,
        )
        page.goto((folder / "clip.report.html").as_uri())
        page.locator('nav a[href="#corrections"]').click()
        self.time = page.locator("#correct-timeline")
        expect(self.time).to_be_in_viewport()

    def do(self, name: str) -> None:
        button = self.page.locator(f'[data-correct="{name}"]')
        # Waits until it stays in its place, which a forced click does not.
        button.scroll_into_view_if_needed()
        # A button of what cannot be done now says why.
        button.click(force=True)

    def show_all(self) -> None:
        for _ in range(3):
            self.do("out")

    def point(self, time_s: float) -> tuple[float, float]:
        """Return where a time is on the screen."""
        self.time.scroll_into_view_if_needed()
        box = self.time.locator("svg").bounding_box()
        assert box is not None
        start_s, stop_s = (
            float(self.time.get_attribute(f"data-{name}") or "nan") for name in ("start", "stop")
        )
        return box["x"] + (time_s - start_s) / (stop_s - start_s) * box["width"], box["y"] + 70

    def click(self, time_s: float) -> None:
        self.page.mouse.click(*self.point(time_s))

    def drag(self, start_s: float, stop_s: float) -> None:
        self.page.mouse.move(*self.point(start_s))
        self.page.mouse.down()
        self.page.mouse.move(*self.point((start_s + stop_s) / 2))
        self.page.mouse.move(*self.point(stop_s))
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        self.time.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def save(self, by: str = "AB") -> Any:
        """Save the corrections, and return the file's content."""
        self.page.fill("#correct-by", by)
        with self.page.expect_download() as downloading:
            self.page.locator("#correct-form button").click()
        download = downloading.value
        assert download.suggested_filename == "clip.corrections.json"
        path = self.folder / "clip.corrections.json"
        download.save_as(path)
        read_corrections(path)
        return json.loads(path.read_text(encoding="utf-8"))

    def events(self) -> list[tuple[float, float]]:
        return [(one["onset_s"], one["offset_s"]) for one in self.save()["events"]]

    def changes(self) -> list[str]:
        return self.page.locator("#correct-list li").all_inner_texts()


DESKTOP = pytest.param((1440, 900), id="desktop")
PHONE = pytest.param((390, 844), id="phone")


@pytest.fixture(params=[DESKTOP, pytest.param(*PHONE.values, id="phone", marks=pytest.mark.long)])
def editor(
    request: pytest.FixtureRequest, plain_browser: Browser, folder: Path
) -> Iterator[Editor]:
    width, height = request.param
    # Where a page that moves is pressed, something else may be by then.
    context = plain_browser.new_context(
        viewport={"width": width, "height": height},
        offline=True,
        has_touch=width < 500,
        reduced_motion="reduce",
    )
    editor = Editor(context.new_page(), folder)
    yield editor
    page = editor.page
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()
    assert editor.wrong == []


def approx(*events: tuple[float, float], abs_s: float = 1e-4) -> Any:
    return pytest.approx([pytest.approx(one, abs=abs_s) for one in events])


def assert_events(editor: Editor, *expected: tuple[float, float], abs_s: float = 1e-4) -> None:
    found = editor.events()
    assert len(found) == len(expected), found
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=abs_s)


@pytest.mark.parametrize(
    "editor",
    [PHONE, pytest.param(*DESKTOP.values, id="desktop", marks=pytest.mark.long)],
    indirect=True,
)
def test_every_correction_by_mouse(editor: Editor) -> None:
    _first, second, third = BLINKS_S
    editor.show_all()
    near_s = 24 / 300  # a pixel of the narrower screen
    # Removed, undone, done again.
    editor.click(2.1)
    editor.do("remove")
    assert editor.changes() == ["Blink, 1.97 to 2.20 s: removed"]
    assert_events(editor, second, third)
    editor.do("undo")
    assert editor.changes() == []
    editor.do("redo")
    assert len(editor.changes()) == 1
    # Added where a stretch was chosen.
    editor.drag(10.0, 11.0)
    editor.do("add")
    assert_events(editor, second, (10.0, 11.0), third, abs_s=near_s)
    # Moved as a whole; then its end alone.
    length_s = 1.0
    editor.drag(10.5, 12.5)
    ((start_s, stop_s),) = [one for one in editor.events() if 11 < one[0] < 13]
    assert start_s == pytest.approx(12.0, abs=2 * near_s)
    assert stop_s - start_s == pytest.approx(length_s, abs=2 * near_s)
    editor.drag(stop_s, 14.0)
    ((start_s, stop_s),) = [one for one in editor.events() if 11 < one[0] < 13]
    assert (start_s, stop_s) == pytest.approx((12.0, 14.0), abs=2 * near_s)
    # It cannot be moved into the next one.
    editor.drag(13.0, 17.0)
    ((start_s, stop_s),) = [one for one in editor.events() if 11 < one[0] < 13.5]
    assert stop_s == pytest.approx(third[0], abs=1e-4)
    # Split where it was clicked, and merged.
    middle_s = (start_s + stop_s) / 2
    editor.click(middle_s)
    editor.do("split")
    assert_events(editor, second, (start_s, middle_s), (middle_s, stop_s), third, abs_s=2 * near_s)
    editor.do("merge")
    assert_events(editor, second, (start_s, stop_s), third)
    editor.do("merge")
    assert_events(editor, second, (start_s, third[1]))
    # A kind, and times that are typed.
    editor.page.select_option("#correct-kind", "prolonged_closure")
    editor.page.fill("#correct-start", "14.5")
    editor.page.keyboard.press("Enter")
    assert editor.save()["events"][1] == {
        "kind": "prolonged_closure",
        "onset_s": 14.5,
        "offset_s": pytest.approx(third[1], abs=1e-4),
    }
    # Stretches.
    editor.drag(20.0, 22.0)
    editor.do("unusable")
    editor.drag(3.0, 5.0)
    editor.do("primary")
    saved = editor.save()
    (unusable,) = saved["unusable"]
    assert list(unusable.values()) == pytest.approx([20.0, 22.0], abs=near_s)
    assert list(saved["primary"].values()) == pytest.approx([3.0, 5.0], abs=near_s)
    # Everything can be undone.
    for _ in range(20):
        editor.do("undo")
    assert_events(editor, *BLINKS_S)
    assert editor.changes() == []


def test_every_correction_by_keyboard(editor: Editor) -> None:
    first, second, third = BLINKS_S
    page = editor.page
    # It is reached, and opened, without a mouse.
    page.locator("#correct summary").focus()
    page.keyboard.press("Enter")
    expect(editor.time).to_be_hidden()
    page.keyboard.press("Enter")
    editor.press("Home", "n")
    expect(page.locator("#correct-said")).to_have_text("Blink: 1.97 to 2.20 s.")
    editor.press("Delete")
    assert_events(editor, second, third)
    editor.press("Control+z")
    assert_events(editor, *BLINKS_S)
    editor.press("Control+y", "Control+z", "Control+Shift+z", "Control+z")
    # Moved by two frames.
    editor.press("Home", "n", "Alt+ArrowRight", "Alt+ArrowRight")
    moved = (first[0] + 2 * FRAME_S, first[1] + 2 * FRAME_S)
    assert_events(editor, moved, second, third)
    editor.press("Control+z", "Control+z")
    # Added: a quarter of a second at the cursor, 60 frames and 3 s from the start.
    editor.press("Escape", "Home", "PageDown", "PageDown", "PageDown", *(["ArrowRight"] * 3), "a")
    assert_events(editor, first, (3.0, 3.25), second, third)
    # Its end is set in the fields, frame by frame.
    page.locator("#correct-end").focus()
    page.keyboard.press("ArrowUp")
    assert_events(editor, first, (3.0, 3.25 + FRAME_S), second, third, abs_s=6e-4)
    # Split at the cursor, three frames into it, and merged with the next.
    editor.press("Escape", "Home", "n", "n", "ArrowRight", "ArrowRight", "ArrowRight", "s")
    assert_events(editor, first, (3.0, 3.1), (3.1, 3.25 + FRAME_S), second, third, abs_s=6e-4)
    editor.press("m", "m")
    assert_events(editor, first, (3.0, second[1]), third, abs_s=6e-4)
    # Stretches: from 0 s on, by seconds.
    editor.press("Escape", "Home", "Shift+PageDown", "g")
    editor.press("End", "Shift+PageUp", "Shift+PageUp", "u")
    saved = editor.save()
    assert saved["primary"] == {"start_s": 0.0, "end_s": 1.0}
    (unusable,) = saved["unusable"]
    assert list(unusable.values()) == pytest.approx([719 / 30 - 2, 719 / 30], abs=1e-3)
    editor.press(*(["Control+z"] * 20))
    assert_events(editor, *BLINKS_S)


def test_the_saved_file_changes_what_it_must(editor: Editor, tmp_path: Path) -> None:
    editor.press("Home", "n", "Delete")
    page = editor.page
    editor.press("Escape")
    page.fill("#correct-start", "10")
    page.keyboard.press("Enter")
    page.fill("#correct-end", "10.2")
    page.keyboard.press("Enter")
    editor.do("add")
    editor.press("Escape")
    page.fill("#correct-end", "22")
    page.fill("#correct-start", "20")
    page.keyboard.press("Enter")
    editor.do("unusable")
    shown = editor.changes()
    page.fill("#correct-why", "  glare\ton the <b>glasses</b> ")
    saved = editor.save("A.B.")
    assert (saved["by"], saved["why"]) == ("A.B.", "glare on the <b>glasses</b>")
    expect(page.locator("#correct-saved")).to_have_text("Saved as clip.corrections.json.")
    command = page.locator("#correct-command").inner_text().split()
    assert command[:2] == ["eye-tracker", "reanalyze"]
    paths = [str(editor.folder / one) if one.startswith("clip") else one for one in command[1:]]
    assert main([*paths, "--out", str(tmp_path)]) == 0
    summary = json.loads((tmp_path / "clip.summary.json").read_text(encoding="utf-8"))
    assert summary["corrected_by"] == "A.B."
    # The list on the page is what is counted.
    assert summary["correction_count"] == len(shown) == 3
    assert summary["blink_count"] == 3
    # Of 719 intervals, 60 frames that are not usable take 61.
    assert summary["valid_time_s"] == pytest.approx(658 / 30, rel=1e-5)
    assert summary["blink_rate_per_min"] == pytest.approx(60 * 3 / (658 / 30), rel=1e-5)
    assert summary["perclos"] == pytest.approx(12 / 658, rel=1e-5)
    # From 7.5 to 10 to 15 s.
    assert summary["inter_blink_interval_median_s"] == pytest.approx((2.5 + 5.0) / 2, abs=0.02)
    # The report of that goes on where this one ended.
    page.goto((tmp_path / "clip.report.html").as_uri())
    expect(page.locator("#corrected")).to_contain_text("A.B.")
    expect(page.locator("#corrected")).to_contain_text("<b>glasses</b>")
    page.locator('#corrected a[href="#corrections"]').click()
    assert editor.changes() == shown
    page.emulate_media(media="print")
    expect(page.locator('[data-head="corrected"]')).to_be_visible()
    expect(page.locator("#corrections-table")).to_be_hidden()
    page.evaluate("document.documentElement.dataset.print = 'all'")
    expect(page.locator("#corrections-table")).to_be_visible()
    expect(page.locator("#correct")).to_be_hidden()
    page.emulate_media(media="screen")


def test_a_chosen_event_s_own_time_is_marked_as_not_usable(editor: Editor, tmp_path: Path) -> None:
    first, _second, third = BLINKS_S
    editor.press("Home", "n")
    button = editor.page.locator('[data-correct="unusable"]')
    expect(button).to_have_attribute("aria-disabled", "false")
    editor.do("unusable")
    assert len(editor.changes()) == 1
    editor.press("End", "p", "u")
    saved = editor.save()
    assert [list(one.values()) for one in saved["unusable"]] == [
        pytest.approx(one, abs=1e-4) for one in (first, third)
    ]
    # Neither blink is left, nor what an end of it would look like.
    path = editor.folder / "clip.corrections.json"
    track = load_track(editor.folder / "clip.track.npz")
    analysis = analyze_track(track, Parameters(), read_corrections(path))
    assert analysis.measures.blink_count == len(analysis.events.closures.kind) == 1
    # The excluded trace can still be seen, in the editor and among the traces.
    out = ["--out", str(tmp_path)]
    track_path = str(editor.folder / "clip.track.npz")
    assert main(["reanalyze", track_path, "--corrections", str(path), *out]) == 0
    page = editor.page
    page.goto((tmp_path / "clip.report.html").as_uri())
    page.locator('nav a[href="#corrections"]').click()
    editor.show_all()
    paths = page.locator("#correct-timeline .trace.excluded")
    assert paths.count() == 2
    assert all("L" in str(one.get_attribute("d")) for one in paths.all())


def test_what_cannot_be_done_is_said(editor: Editor) -> None:
    said = editor.page.locator("#correct-said")
    for name, words in (
        ("remove", "First choose an event."),
        ("split", "First choose an event."),
        ("merge", "First choose an event."),
        ("unusable", "First choose a stretch"),
        ("primary", "First choose a stretch"),
    ):
        editor.do(name)
        expect(said).to_contain_text(words)
    editor.press("End", "p", "m")
    expect(said).to_have_text("There is no later event to merge with.")
    editor.do("add")
    expect(said).to_have_text("There is an event already.")
    editor.press("Escape", "Home", "Shift+ArrowRight", "g")
    expect(said).to_contain_text("0.3 s or more")
    editor.page.locator("#correct-form button").click()
    expect(editor.page.locator("#correct-saved")).to_contain_text("initials")
    expect(editor.page.locator("#correct-by")).to_be_focused()
    assert editor.changes() == []


# What a corrected report shows, and what its editor is given, without a browser


def test_the_editor_keeps_the_times_of_a_long_recording() -> None:
    """From 3 s on, all is an hour and 0.7 ms later. The blinks end in frames 66, 231 and 456."""
    times_s = np.arange(720) / 30
    times_s[90:] += 3600.0007
    track = replace(make_track(looking(), 30.0, video_sha256=SHA), times_s=times_s)
    analysis = analyze_track(track, Parameters())
    data = rendered(analysis)[0].data()
    given = data["corrections"]
    ends_s = pytest.approx([66 / 30, 3600.0007 + 231 / 30, 3600.0007 + 456 / 30], abs=6e-5)
    assert [one["stop"] for one in given["events"]] == ends_s
    assert [one["stop"] for one in given["detected"]] == ends_s
    assert [one["stop"] for one in data["events"]] == ends_s
    assert given["end_s"] == pytest.approx(3600.0007 + 719 / 30, abs=6e-5)
    # What was not touched was not corrected.
    said = tuple(TimedEvent(one["start"], one["stop"], one["kind"]) for one in given["events"])
    untouched = analyze_track(track, Parameters(), replace(SAID, events=said, unusable=()))
    summary = rendered(untouched)[1]
    assert (summary["correction_count"], summary["blink_count"]) == (1, 3)  # The primary position.


def render_corrected(said: Corrections = SAID, language: Any = "en") -> Parsed:
    track = make_track(looking(), 30.0, video_sha256=SHA)
    return rendered(analyze_track(track, Parameters(), said), language)[0]


def test_a_corrected_report_shows_both_versions() -> None:
    page = render_corrected()
    (mark,) = [text for one, text in page.with_attribute("id") if one["id"] == "corrected"]
    assert "Corrected by a person: AB, 2026-01-31 09:30:00 UTC" in mark
    assert "Corrections: 5. Blinks before: 3, now: 2." in mark
    assert "Reason: glare" in mark
    # The printed sheet says it in its head.
    (entry,) = [
        text for one, text in page.with_attribute("data-head") if one["data-head"] == "corrected"
    ]
    assert entry == "Corrected by a personAB, 2026-01-31 (UTC), corrections: 5"
    (table,) = [text for one, text in page.with_attribute("id") if one["id"] == "corrections-table"]
    rows = [" ".join(line.split()) for line in table.splitlines() if line.strip()]
    assert rows[1:] == [
        "Blink, 1.97 to 2.20 sremoved",
        "Blink, 7.47 to 7.70 sBlink, 7.57 to 7.70 schanged",
        "Prolonged closure, 18.00 to 18.30 sadded",
        "20.00 to 21.00 snot usable",
        "0.50 to 1.50 sstraight ahead",
    ]
    fields = page.with_attribute("data-field")
    shown = {str(one["data-field"]): one.get("data-value") for one, _ in fields}
    assert shown["corrected"] == "True"
    assert (shown["correction_count"], shown["detected_blink_count"]) == ("5", "3")
    # 30 frames take 31 intervals.
    assert float(shown["unusable_time_s"] or "nan") == pytest.approx(31 / 30, rel=1e-5)
    data = page.data()["corrections"]
    assert [one["start"] for one in data["detected"]] == pytest.approx(
        [start_s for start_s, _ in BLINKS_S], abs=1e-4
    )
    assert [one["kind"] for one in data["events"]] == ["blink", "blink", "prolonged_closure"]


def test_what_is_not_usable_is_drawn_apart() -> None:
    """From 20 to 21 s, frames 600 to 629, the open eyes of `looking` have an EAR of 0.3."""
    page = render_corrected()
    series = page.data()["series"]
    for eye in ("left", "right"):
        known = [n for n, one in enumerate(series[f"excluded_{eye}"]) if one is not None]
        assert known == list(range(600, 630))
        assert {series[eye][n] for n in known} == {None}
        assert {series[f"excluded_{eye}"][n] for n in known} == {3000}
    legend = '<span class="swatch excluded"></span>marked as not usable'
    assert legend in page.text
    without = render_corrected(replace(SAID, unusable=()))
    assert not any(name.startswith("excluded") for name in without.data()["series"])
    assert legend not in without.text


def test_an_event_without_a_face_is_said_to_be_left_out() -> None:
    said = replace(SAID, events=(TimedEvent(20.2, 20.5, "blink"), TimedEvent(22.0, 22.2, "blink")))
    page = render_corrected(said)
    assert page.text.count("added. Not counted: no face is seen there.") == 1
    assert "Blinks before: 3, now: 1." in page.text


def test_nothing_that_was_said_runs() -> None:
    said = replace(SAID, by=ATTACK, why=ATTACK)
    track = make_track(looking(), 30.0, video_sha256=SHA)
    page = rendered(analyze_track(track, Parameters(), said), source=ATTACK)[0]
    assert_harmless(page.text, 4)


def test_no_text_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil_texts(monkeypatch)
    assert_harmless(render_corrected().text, 4)


def test_in_korean() -> None:
    page = render_corrected(language="ko")
    assert "사람이 수정함: AB" in page.text
    words = page.data()["corrections"]["words"]
    assert words["removed"] == "삭제"
    assert words["event"] == "{kind}, {start} ~ {end}초"
