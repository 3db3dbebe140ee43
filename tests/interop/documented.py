"""The documents' commands of foreign programs: python -m tests.interop.documented GRPCURL.

Those of our own programs are run by tests/system/test_commands.py.
"""

import sys
import tempfile
from pathlib import Path

from tests.system.commands import PAGES, commands, demo, run


def main(grpcurl: str) -> None:
    """Run each command with grpcurl, of every page.

    Raises:
        AssertionError: one prints something else than its page says.
    """
    every = [each for page in PAGES for each in commands(page) if each.program == "grpcurl"]
    with tempfile.TemporaryDirectory() as name, demo(Path(name)) as port:
        for command in every:
            if command.needs_an_account:
                print(f"grpcurl: not run, has a placeholder: {command}")
            else:
                run(command, port, Path(name), {"grpcurl": grpcurl})
    assert every, "the documents have no command of grpcurl"
    print(f"grpcurl: {len(every)} commands of the documents do what is written there")


if __name__ == "__main__":
    main(sys.argv[1])
