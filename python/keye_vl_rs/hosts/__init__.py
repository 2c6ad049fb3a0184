"""Integrations with the libraries and servers that this package speeds up: one file per host.

:mod:`keye_vl_rs.hosts.switch` turns them on and off, and :mod:`keye_vl_rs.hosts.after_import` runs
code once a host has been imported. Importing this package imports none of its modules, and none of
them imports its host.
"""
