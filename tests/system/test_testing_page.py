"""docs/testing.md: what it says to put into two files is put there, and pytest runs them."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.server.terminal import PROGRAM, environment
from tests.system.commands import ROOT

_FILE = re.compile(r'^```python title="(\w+\.py)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def test_the_page_is_a_suite_that_passes(tmp_path: Path) -> None:
    files = _FILE.findall((ROOT / "docs/testing.md").read_text())
    assert [name for name, _ in files] == ["conftest.py", "test_meetings.py"]
    for name, text in files:
        (tmp_path / name).write_text(text)
    path = f"{Path(PROGRAM).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "."],
        cwd=tmp_path,
        env=environment(PATH=path),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout
