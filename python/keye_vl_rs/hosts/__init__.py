"""The hosts that this package speeds up: one file for each.

:mod:`switch` turns it on and off; :mod:`after_import` lets a file wait for its host to be imported.
Nothing here is imported before it is asked for, and no host is imported by it.
"""
