"""The manifest room: bytes of a YAML or JSON file to trees that know where every node stands, and back.

Nothing is imported here: ``node`` is part of every answer's types, and a question on a built index must not pay for a
YAML parser.
"""
