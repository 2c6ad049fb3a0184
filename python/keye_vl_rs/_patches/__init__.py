"""Turn pixels into the patches that the model reads: resize, normalise, cut.

In the order in which data passes them:

1. ``accepted_inputs`` converts what a processor is given to lists of images and arrays.
2. ``pixel_config`` says how pixels become values, and ``dtypes`` lists the dtypes of patches.
3. ``patch_plan`` checks images, or frames that are resized like images, and chooses how their
   patches are computed: by ``images``, with the Rust core where ``pillow_compat`` finds that it
   equals Pillow, or by ``reference``, with transformers' own functions.
4. ``frames`` does the same for some frames of a video, which it resizes as tensors if a size is
   given.
5. ``tensors`` allocates tensors, has the Rust core write the patches of frames, and builds
   ``video_grid_thw`` and ``num_frames``.

Beside them, ``fused_operator`` is the operator that the checkpoint's processor looks for in
``keye_vl_utils``, ``float_frames`` resizes the frames of Keye-VL-8B-Preview, and ``video_settings``
compares the settings of preprocessed tensors with those of a processor.
"""
