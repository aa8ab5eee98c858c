"""``python -m indexer`` is ``fluxidx``."""

from indexer.cli.start import main

if __name__ == "__main__":
    main()
