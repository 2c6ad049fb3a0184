"""Preprocess many videos into files: concurrently, resumably, and only ever whole files.

- ``run``: decide which videos are pending, and process them.
- ``stop``: stop a run on signals.
- ``resume``: write and check the metadata that tell whether an output is up to date.
- ``tensors_file``: write and read files of tensors.
- ``damage``: collect the warnings about each video's damage.
- ``full_disk``: recognise errors after which nothing more can be written.
- ``display``: print progress, messages and results.
- ``bars``: progress bars, of all videos and within each.
- ``log_lines``: show warnings from the package's log among the messages.
"""
