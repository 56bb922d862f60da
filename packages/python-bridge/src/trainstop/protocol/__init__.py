"""Protocol v1 as pydantic models, one concept a file as in `packages/sdk/src/protocol/`, which is the source.

`protocol_test.py` holds every model to the same test vectors as the zod schemas.
"""

PROTOCOL_VERSION = 1
