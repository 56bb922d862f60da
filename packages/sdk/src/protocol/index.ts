/** Protocol v1: the one source of what travels. `scripts/write-protocol.ts` writes it as OpenAPI, JSON Schema and vectors. */
export * from './answer'
export * from './capability'
export * from './checkpoint'
export * from './command'
export * from './control'
export * from './error'
export * from './event'
export * from './job'
export * from './metrics'
export * from './primitives'
export * from './progress'
export * from './receipt'
export * from './report'

export const protocolVersion = 1
