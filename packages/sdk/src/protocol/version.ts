/** The version of the protocol that this package speaks. */
export const protocolVersion = 1
