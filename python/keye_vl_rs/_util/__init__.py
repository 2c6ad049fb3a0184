"""Provide helpers for every folder.

- ``model``: the constants of the model.
- ``validation``: checks of numbers.
- ``threads`` and ``malloc``: threads that last for one call, and memory that is returned after it.
- ``renamed_argument``: old names of arguments, with a warning.
- ``partial_files``: writing to a temporary name, and renaming once the file is complete.
- ``shorten``, ``warn_once`` and ``stack_level``: texts of messages, and when and where they appear.
- ``tested_hosts``: the releases of other packages that this package is tested with.
"""
