"""Provide processors for transformers, from text, images and videos to the model's inputs.

- ``processor`` is the processor of Keye-VL-1.5. It inherits from ``base``, which is shared with
  Keye-VL-8B-Preview and tokenises texts, from ``chat_template`` with ``chat_template_media``, which
  loads the media in messages, and from ``checkpoint_files``, which loads and saves the processor's
  parts.
- ``image_processor`` and ``video_processor`` are these parts. ``pixel_settings`` holds the settings
  that they share, and ``pixel_arguments`` merges them with the arguments of a call into one
  :class:`keye_vl_rs._patches.pixel_config.PixelConfig`.
- ``media_functions`` holds the functions of ``vision_process`` with which media are loaded.
- ``videos`` and ``video_batch`` check the videos of a call and write their patches.
"""
