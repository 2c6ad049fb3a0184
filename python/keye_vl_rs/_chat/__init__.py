"""Turn messages into content parts, media, the prompt and token ids.

In the order in which data passes them:

1. ``messages`` checks conversations and yields their parts in a plain form.
2. ``content_parts`` decides what a part is, and ``unknown_parts`` rejects parts that look like
   media, but are not understood.
3. ``message_options`` knows the options beside media, and merges them with those of a call.
4. ``message_media`` loads the media, with the functions of a model.
5. ``prompt`` replaces vision tokens by placeholders for the media.
6. ``tokenization`` turns prompts into token ids.
"""
