"""Find the record of the analysis that a request asks for, or make it.

A request that was sent before gets its earlier record, so that nothing is analysed twice. Only if
it is secret, or if its analysis was deleted, it gets a new one.
"""

import hashlib
import itertools
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from handler.errors import DeletedError, NotFoundError, SentTwiceError
from handler.keys import ANONYMOUS, ORIGINAL, make_key
from handler.records import Record
from handler.requests import (
    About,
    AnalyzeData,
    AnalyzeFile,
    document_parameters,
    parse_parameters,
)
from handler.storage import Storage, StoredVersion
from handler.work import Work
from tracker.parameters import Parameters
from tracker.version import __version__
from tracker.words import Language


class Intake:
    """Finds the records that requests to analyse belong to, and makes new ones.

    Parameters
    ----------
    storage : Storage
    retention_days : int
        For how many days a record is kept, counted from its creation; 0: for ever.
    """

    def __init__(self, storage: Storage, retention_days: int) -> None:
        self._storage = storage
        self._retention_days = retention_days

    def begin_data(self, request: AnalyzeData, digest: str) -> Work:
        """Return the `Work`, the record to work on, for a file that came with the request.

        The same request, sent again by an app that got no answer, gets the same record, in any
        state but deleted: `Work.settled` says whether there is anything to do. If
        `request.is_secret`, the record is always new.

        Parameters
        ----------
        request : AnalyzeData
        digest : str
            SHA-256 of the file, in hexadecimal.
        """
        user_id = request.user_id or ANONYMOUS
        record = make_record("", user_id, request.parameters, request.report, request.about)
        record = replace(record, fan_out=request.fan_out)
        if request.is_secret:
            return self._begin(record, lambda _repetition: uuid.uuid4().hex)
        return self._begin_again([user_id, digest, request.kind], record)

    def begin_file(
        self, request: AnalyzeFile, version: StoredVersion, upload: tuple[str, str] | None
    ) -> Work:
        """Return the `Work`, the record to work on, for a stored file without an upload's record.

        The same request for the same version of the file gets the same record, in any state but
        deleted: `Work.settled` says whether there is anything to do.

        Parameters
        ----------
        request : AnalyzeFile
        version : StoredVersion
            The version of the file to analyse.
        upload : tuple of str or None
            User and analysis id in the file's key, from `parse_original_key`; a new record gets
            them. None: it gets the user of the request, and an id from `_derive_id`.

        Raises
        ------
        DeletedError
            With `upload`: the analysis of this id was deleted.
        """
        user_id = (upload[0] if upload else request.user_id) or ANONYMOUS
        parameters = request.parameters or Parameters()
        record = make_record("", user_id, parameters, request.report, request.about)
        record = replace(
            record,
            source_key=request.key,
            source_version=version.name,
            fan_out=request.fan_out,
        )
        if upload:
            return self._begin(record, lambda _repetition: upload[1])
        return self._begin_again([user_id, f"{request.key}\n{version.name}", request.kind], record)

    def _begin_again(self, content: list[str | None], record: Record) -> Work:
        """Return the `Work` with the record of an equal earlier request, or with a new record.

        The record may be in any state but deleted: if it is completed, the caller answers with its
        result. Requests are equal if `content`, the parameters, the report's language, whether
        dividing was asked for, and the program's version are. If the equal request's analysis was
        deleted, this one gets a new record.

        Parameters
        ----------
        content : list of str or None
            Three items: the user, the file (its hash, or its key and version), and the kind that
            the request names; None if it names none.
        record : Record
            The record to write if there is none, still without id.
        """
        parts = [*content, record.parameters, __version__]
        if record.report:
            parts.append({"report": record.report})
        if record.fan_out:
            parts.append({"fan_out": True})
        return self._begin(record, lambda repetition: _derive_id(parts, repetition))

    def _begin(self, record: Record, choose_id: Callable[[int], str]) -> Work:
        for repetition in itertools.count():
            analysis_id = choose_id(repetition)
            source_key = record.source_key or make_key(record.user_id, analysis_id, ORIGINAL)
            work = Work.begin(
                self._storage,
                replace(
                    record,
                    analysis_id=analysis_id,
                    source_key=source_key,
                    expires_at=self.compute_end_s(record),
                ),
            )
            if work.record.state != "deleted":
                return work
            if choose_id(repetition + 1) == analysis_id:
                break
        raise DeletedError("deleted", "The analysis was deleted.")

    def compute_end_s(self, record: Record) -> int | None:
        """Return the Unix time in seconds when a record expires; None if it is kept for ever.

        It is `retention_days`, that of this `Intake`, after the record was made.
        """
        if not self._retention_days:
            return None
        created_s = datetime.fromisoformat(record.created_at).timestamp()
        return int(created_s) + 86400 * self._retention_days

    def find_upload(self, upload: tuple[str, str], request: AnalyzeFile) -> Work | None:
        """Return the `Work`, the record to work on, of an upload; None if the upload has no record.

        The record was made when the client asked for the upload's address.

        Parameters
        ----------
        upload : tuple of str
            User and analysis id in the key of the file, from `parse_original_key`.
        request : AnalyzeFile

        Raises
        ------
        NotFoundError
            The record of this id is about another key; or the analysis was deleted (the file is
            then removed); or there is no record, and the key names the user by a hash alone. For
            the client, the error is that of a missing file.
        SentTwiceError
            The request names a version of the file, and another one has already come. The new
            version is removed.
        """
        try:
            work = Work(self._storage, self._storage.read(upload[1]))
        except NotFoundError:
            if upload[0].startswith("~"):
                # Only the record knows whose it is.
                raise
            return None
        record = work.record
        if record.state == "deleted":
            self._storage.delete_file(request.key)
        if record.state == "deleted" or record.source_key != request.key:
            raise NotFoundError("file_not_found", "There is no such file. Upload it first.")
        came = record.source_version
        if request.version_id and came and came != request.version_id:
            # The form was used twice. What was analysed stays; what came later goes.
            self._storage.delete_version(request.key, request.version_id)
            raise SentTwiceError("sent_twice", "A file has come already. Ask for a new upload.")
        return work

    def find_replacement(self, record: Record, request: AnalyzeFile) -> AnalyzeFile | None:
        """Return the request to analyse a file that has replaced the upload's first file.

        If the bucket keeps all versions, `find_upload` refuses a second file. If it keeps only the
        newest one, the first file is lost. The second file then gets an analysis of its own, for
        the same user with the same parameters and report, and the record of the first still says
        which bytes were analysed.

        Parameters
        ----------
        record : Record
            The record of the upload.
        request : AnalyzeFile
            The notice of S3 that a file has come to the upload's key. By any other request, nothing
            counts as replaced.

        Returns
        -------
        AnalyzeFile or None
            None if the file was not replaced, or the bucket keeps all versions.
        """
        came = record.source_version
        if request.version_id or not request.etag or not came.startswith('"'):
            return None
        if came.strip('"') == request.etag.strip('"'):
            return None
        return replace(
            request,
            user_id=record.user_id,
            parameters=parse_parameters(record.parameters),
            report=record.report,
        )


def make_record(
    analysis_id: str,
    user_id: str,
    parameters: Parameters,
    report: Language | None,
    about: About,
) -> Record:
    """Return a new record, queued and not yet stored, still without the key of its file.

    Parameters
    ----------
    analysis_id : str
        Empty: the caller sets it later.
    user_id : str
        Whom it belongs to; `ANONYMOUS` for nobody.
    parameters : Parameters
    report : {"en", "ko", None}
        Language of the report to write; None: no report.
    about : About
        What the client says about the file: its name, when it was recorded, and the consent.
    """
    return Record(
        analysis_id=analysis_id,
        user_id=user_id,
        source_key="",
        created_at=datetime.now(UTC).isoformat(timespec="microseconds"),
        parameters=document_parameters(parameters),
        report=report,
        file_name=about.file_name,
        captured_at=about.captured_at,
        consent=about.consent,
    )


def _derive_id(parts: Sequence[object], repetition: int) -> str:
    """Return the id of an analysis, a hash of what is analysed and how: 32 hexadecimal digits.

    `parts` are the values, as JSON can hold them, by which two requests count as equal. Equal
    arguments give the same id. `repetition` is 0 at first; where that id belongs to a deleted
    analysis, 1 is tried, then 2, and so on.
    """
    if repetition:
        parts = [*parts, {"repetition": repetition}]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
