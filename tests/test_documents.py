"""What the pages must keep for those who read them."""

from pathlib import Path

from tests.test_architecture import list_tracked

ROOT = Path(__file__).parents[1]
LINE_CHARACTERS = 120
README_LINES = 150


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES


def test_lines_of_prose_fit_a_screen() -> None:
    """Rows of tables, code and pictures cannot be broken."""
    pages = [name for name in list_tracked() if name.endswith(".md")]
    assert "docs/accuracy.md" in pages
    wide = []
    for name in pages:
        code = False
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
            text = line.strip()
            code ^= text.startswith("```")
            breakable = not (code or text.startswith(("|", "![")))
            if breakable and len(line) > LINE_CHARACTERS:
                wide.append(f"{name}:{number}")
    assert wide == []
