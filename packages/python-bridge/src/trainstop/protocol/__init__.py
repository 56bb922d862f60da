"""Protocol v1 as pydantic models, one concept a file. The source is `packages/sdk/src/protocol/`, of the same shape.

`protocol_test.py` holds every model to the same test vectors as the zod schemas.
"""

PROTOCOL_VERSION = 1
