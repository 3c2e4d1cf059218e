"""A finding: a code and its numbers, which `tracker.words` turns into a sentence."""

from dataclasses import dataclass, field

from tracker.words import Language, format_text


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a recording that limits its result, such as a face that is seldom seen.

    Attributes
    ----------
    code : str
        Machine-readable kind of finding, such as ``face_lost``.
    values : dict
        The numbers in its message, by the names of its placeholders in `tracker.words`.
    variant : str
        Which of the code's messages to use, such as ``dark``; empty for the code's plain message.
    """

    code: str
    values: dict[str, float] = field(default_factory=dict)
    variant: str = ""

    @property
    def message(self) -> str:
        """The finding, and what to do about it, as a text in English."""
        return self.describe("en")

    def describe(self, language: Language) -> str:
        """Return the finding, and what to do about it, as a text in a language."""
        key = f"finding.{self.code}.{self.variant}" if self.variant else f"finding.{self.code}"
        return format_text(language, key, **self.values)
