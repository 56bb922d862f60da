"""Protocol v1 as pydantic models, one concept a file, shaped like its source, `packages/sdk/src/protocol/`.

`protocol_test.py` holds every model to the same test vectors as the zod schemas.
"""

PROTOCOL_VERSION = 1
