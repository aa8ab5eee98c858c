"""``python -m indexer`` is ``fluxidx``."""

from indexer.cli.main import main

if __name__ == "__main__":
    main()
