"""The result for a video or a picture: numbers, tables, and the files they are written to."""

import html
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.files.corrections import keep_corrections
from tracker.files.fields import Summary
from tracker.files.names import DETECTED, result_path, shorten_stem
from tracker.files.summary import describe_summary, plain, to_json, write_analysis, write_track
from tracker.files.whole import write_text_whole, write_whole
from tracker.measures.analysis import Analysis
from tracker.measures.assessment import Assessment
from tracker.measures.still import StillFace, StillMeasures
from tracker.tracks.track import Track
from tracker.words import Language

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class Result:
    """What was measured in one recording.

    Attributes
    ----------
    name : str
        File name of the video, such as ``clip.mp4``, or what the caller called it.
    analysis : Analysis
        Every measured signal and event, as arrays.
    assessment : Assessment
        The screening answer, its reasons, and the quality of the recording.
    summary : Summary
        The content of ``STEM.summary.json``.
    eye_pictures : mapping of int to bytes, or None
        Pictures of the eyes for the report, as JPEG, by the frame's index in the track. None if
        none were taken, as when a track is measured without its video.

    Examples
    --------
    >>> import tracker
    >>> result = tracker.analyze("clip.mp4")
    >>> result.frames[["time_sec", "v_offset"]].shape
    (180, 2)
    >>> result.blinks["kind"].tolist()
    ['blink', 'blink', 'blink']
    """

    name: str
    analysis: Analysis
    assessment: Assessment
    summary: Summary
    eye_pictures: Mapping[int, bytes] | None = None

    @property
    def track(self) -> Track:
        """The track that was measured: the landmarks of the eyes in each analysed frame.

        `tracker.analyze_track` measures it again, with other parameters.
        """
        return self.analysis.track

    @cached_property
    def frames(self) -> "pd.DataFrame":
        """A row for each analysed frame, with the columns of ``STEM.frames.csv``.

        docs/outputs.md says what they hold, and in which units.
        """
        import pandas as pd

        from tracker.files.tables import frame_table

        return pd.DataFrame(frame_table(self.analysis))

    @cached_property
    def blinks(self) -> "pd.DataFrame":
        """A row for each closure of the eyes, with the columns of ``STEM.blinks.csv``.

        `kind` tells blinks, prolonged closures and flutter apart. docs/outputs.md says what the
        columns hold, and in which units.
        """
        import pandas as pd

        from tracker.files.tables import closure_table

        table = pd.DataFrame(closure_table(self.analysis, self.analysis.events))
        # These flags may be missing. In an empty table, pandas could not tell their type.
        return table.astype({"L_complete": "boolean", "R_complete": "boolean"})

    @cached_property
    def saccades(self) -> "pd.DataFrame":
        """A row for each step of the gaze and each eye, with the columns of ``STEM.saccades.csv``.

        Each listed step has three rows, of which the one of eye ``both`` is the mean of both eyes.
        So has a phase in whose direction no step was found. A row counts only if `used` is True;
        else `reason` says why not. There are no rows if steps could not be looked for.
        docs/outputs.md says what the columns hold, and in which units.

        Examples
        --------
        >>> import tracker
        >>> steps = tracker.analyze("clip.mp4").saccades
        >>> fused = steps[steps.used & (steps.eye == "both")]
        >>> fused[["direction", "onset_s", "time_10_90_ms"]].shape[1]
        3
        """
        import pandas as pd

        from tracker.files.tables import saccade_table

        # In an empty table, pandas could not tell the type of the flags.
        return pd.DataFrame(saccade_table(self.analysis)).astype({"used": bool})

    def save(
        self, directory: str | Path, stem: str | None = None, report: Language | None = "en"
    ) -> dict[str, Path]:
        """Write the files that ``eye-tracker analyze`` writes.

        Parameters
        ----------
        directory : str or Path
            It is created if it does not exist. Files of an earlier analysis are replaced, or
            removed if this one has no such file; but a file of corrections is not removed.
        stem : str, optional
            Start of the files' names; shortened if it is too long. Default: `name`, without its
            suffix.
        report : {"en", "ko", None}, default "en"
            The report's language; None writes no report.

        Returns
        -------
        dict of str to Path
            The files by kind: ``summary``, ``frames``, ``blinks``, ``saccades``, ``track`` and, if
            written, ``report``; of a corrected result also ``detected`` and ``corrections``. Only a
            summary from the command line has a resume key, which lets an interrupted run continue.

        Raises
        ------
        tracker.files.corrections.CorrectionsError
            The result was corrected, and corrections by somebody else, or later ones, or a file of
            corrections that cannot be used, are there. No file was changed.

        Examples
        --------
        >>> import tracker
        >>> files = tracker.analyze("clip.mp4").save("results")
        >>> files["summary"]
        PosixPath('results/clip.summary.json')
        """
        stem = stem or Path(self.name.removesuffix(".track.npz")).stem
        return write_files(self, Path(directory), shorten_stem(stem), report)

    def report(self, path: str | Path, language: Language = "en") -> Path:
        """Write the report, one HTML page that needs no network, and return its path.

        `path` is the file to write, in a directory that exists; an existing file is replaced.
        `language` is ``en`` or ``ko``.

        Examples
        --------
        >>> import tracker
        >>> tracker.analyze("clip.mp4").report("clip.html", "ko")
        PosixPath('clip.html')
        """
        from tracker.pages.report import render_report

        text = render_report(*self._report_parts(self.summary, language))
        return write_text_whole(Path(path), text)

    def _report_parts(self, summary: Summary, language: Language) -> tuple[Any, ...]:
        """Return the arguments that `render_report` and `render_sheet` both take, in their order.

        `summary` is the one that the page shows, and `language` that of the page.
        """
        return (self.analysis, self.assessment, summary, self.eye_pictures, language)

    def __repr__(self) -> str:
        return f"<Result of {describe_summary(self.summary, self.name)}>"

    def _repr_html_(self) -> str:
        """Return the main values of the summary as an HTML table, which a notebook shows."""
        title, *lines = describe_summary(self.summary, self.name).splitlines()
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(line[:12].strip())}</th>"
            f"<td style='text-align:left'>{html.escape(line[12:].strip())}</td></tr>"
            for line in lines
        )
        return f"<table><caption>{html.escape(title)}</caption>{rows}</table>"


def write_files(
    result: Result,
    directory: Path,
    stem: str,
    report: Language | None = None,
    *,
    report_name: str | None = None,
    pdf: Language | None = None,
    with_track: bool = True,
    write_copy: Callable[[], object] | None = None,
) -> dict[str, Path]:
    """Write a result's files, the summary last.

    The summary, report, its PDF and the annotated copy of an earlier analysis are removed first. If
    there is a summary, the files beside it are therefore whole and belong to it.

    Parameters
    ----------
    result : Result
    directory : Path
        Where to write. It is created if it does not exist.
    stem : str
        Start of the files' names: ``clip`` gives ``clip.summary.json``.
    report : {"en", "ko"}, optional
        The report's language; without one, no report is written.
    report_name : str, optional
        What the report and the PDF call the recording; by default its name in the summary.
    pdf : {"en", "ko"}, optional
        Language of the report's first sheet as PDF; without one, none is written.
    with_track : bool, default True
        Write the track, too. If False, a track that is there stays as it is.
    write_copy : callable, optional
        Called without arguments to write the annotated copy of the video; by default, none is.

    Returns
    -------
    dict of str to Path
        The written files by kind, in the order of `tracker.files.names.ENDINGS`. After corrections,
        also ``detected``, the table of blinks before these, and ``corrections``.

    Raises
    ------
    CorrectionsError
        The result is corrected; those there are by others, later, or unusable. No file was changed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    corrected = _keep_corrections(result, directory, stem)
    for kind in ("summary", "report", "pdf", "overlay"):
        result_path(directory, stem, kind).unlink(missing_ok=True)
    kinds = ["summary", "frames", "blinks", "saccades"]
    if with_track:
        write_track(directory, stem, result.track)
        kinds.append("track")
    _write_pages(result, directory, stem, report, pdf, report_name or result.summary.source)
    if write_copy is not None:
        write_copy()
        kinds.append("overlay")
    kinds += [kind for kind, wanted in (("report", report), ("pdf", pdf)) if wanted is not None]
    write_analysis(directory, stem, result.analysis, result.summary)
    return {kind: result_path(directory, stem, kind) for kind in kinds} | corrected


def _keep_corrections(result: Result, directory: Path, stem: str) -> dict[str, Path]:
    """Write what a person corrected, if anything, beside the files of the result.

    Return the files by kind that only a corrected result has: ``corrections``, which was written,
    and ``detected``, the table of blinks before the correction, which is not written here. Empty
    without corrections. Raise a `CorrectionsError` if corrections by somebody else, or later ones,
    or a file of them that cannot be used, are there.
    """
    said = result.analysis.corrections
    if said is None:
        return {}
    kept = keep_corrections(directory, stem, said, result.summary.source)
    return {"detected": directory / f"{stem}.{DETECTED}", "corrections": kept}


def _write_pages(
    result: Result,
    directory: Path,
    stem: str,
    report: Language | None,
    pdf: Language | None,
    name: str,
) -> None:
    """Write the report as HTML, and its first sheet as PDF, each if it has a language.

    `report` and `pdf` are the languages; None writes no such file. `name` is what both call the
    recording.
    """
    summary = replace(result.summary, source=name)
    if report is not None:
        # Imported here, because an analysis without a report does not need it.
        from tracker.pages.report import render_report

        text = render_report(*result._report_parts(summary, report))
        write_text_whole(result_path(directory, stem, "report"), text)
    if pdf is not None:
        from tracker.pages.pdf import print_page
        from tracker.pages.report import render_sheet

        sheet = render_sheet(*result._report_parts(summary, pdf))
        write_whole(result_path(directory, stem, "pdf"), lambda path: print_page(sheet, path))


def document_still(still: StillMeasures) -> dict[str, Any]:
    """Return what was measured in an image as a dict that JSON can hold.

    It has ``detected`` (whether landmarks of a face were found), ``faces`` (how many faces) and the
    fields of `StillFace`, which are all None if `detected` is False. A NaN becomes None, too.
    """
    face = (
        asdict(still.face) if still.face else dict.fromkeys(one.name for one in fields(StillFace))
    )
    document = {"detected": still.face is not None, "faces": still.face_count, **face}
    return plain(document)  # type: ignore[no-any-return]


def write_still(still: StillMeasures, directory: Path, stem: str) -> Path:
    """Write what was measured in an image as ``STEM.result.json``, and return the path.

    The directory must exist. An existing file is replaced.
    """
    path = directory / f"{stem}.result.json"
    return write_text_whole(path, to_json(document_still(still)) + "\n")
