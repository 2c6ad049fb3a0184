"""Find media, fetch them within allow-lists, limits and deadlines, and open images.

In the order in which data passes them:

1. ``sources`` tells what a source is and opens it. ``encoded_sources`` decodes ``data:`` addresses
   and base64, and ``file_objects`` reads file objects.
2. ``http`` downloads http(s) addresses, and ``http_ranges`` only the index of an mp4.
   ``http_environment`` reads proxies, certificates and credentials from the environment,
   ``http_transport`` connects to checked addresses, and ``content_encoding`` decompresses.
3. ``allow_lists`` checks which files and addresses may be read, and ``deadline`` bounds how long
   that may take.
4. ``kinds`` recognises files that are not media, for better error messages.
5. ``images`` opens an image and converts it to RGB, and ``image_warnings`` warns about what the
   conversion loses.
"""
