"""Values as bytes: JSON's pitfalls, Protobuf, Avro, and what becomes of old and new programs.

Reading order:

1. ``careful_json``: what JSON does to numbers, bytes and keys, and how to be safe from it.
2. ``wire``: varints, zigzag and tags: the bytes that Protobuf is made of.
3. ``protobuf``: messages, with the fields that this program does not know.
4. ``avro``: no tags at all: the schema (``avro_schema``) says what the bytes are.
5. ``resolution``: two schemas, the writer's and the reader's.

Around it: ``demo`` and ``demo_evolution`` (seven versions of one message, each written by each and
read by each), ``plot`` and ``plot_sizes`` (pictures of it, and of sizes and speeds).
"""
