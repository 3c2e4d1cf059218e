from pathlib import Path

import pytest

from tests.made_results import write_results


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `tests.made_results`."""
    folder = tmp_path_factory.mktemp("results")
    write_results(folder)
    return folder
