"""Modules that are installed here, taken away as if they were not."""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from typing import Any

import pytest


def hide_modules(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make the modules impossible to find and to import."""
    find_spec = importlib.util.find_spec

    def find(name: str, *arguments: Any) -> ModuleSpec | None:
        return None if name in names else find_spec(name, *arguments)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)
