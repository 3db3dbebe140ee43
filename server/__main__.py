"""`python -m server`: the service, configured by its settings."""

from server.cli import main

if __name__ == "__main__":
    main(["serve"])
