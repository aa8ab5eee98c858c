"""The Git room: repositories, revisions and plain folders, all read through one ``Tree``.

Nothing is imported here: a question on a built index needs ``repository`` and must not pay for GitPython.
"""
