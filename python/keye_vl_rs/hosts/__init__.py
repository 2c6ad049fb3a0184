"""Integrate this package with the libraries and servers that it speeds up: one file per host.

- ``switch``: ``enable()`` and ``disable()``.
- ``after_import``: run code once a host has been imported.
- ``keye_vl_utils``: patches of ``keye_vl_utils``, with ``fused_branch`` for processors that import
  its fused operator.
- ``transformers``: auto classes that return this package's processors.
- ``vllm``: a plugin; ``vllm_inputs`` builds inputs for ``vllm.LLM.generate``.
- ``sglang``: a plugin.
- ``openai``: requests to servers with OpenAI's API, whose images ``encoding`` encodes.

Importing this package imports none of its modules, and none of them imports its host.
"""
