import { expect, it, vi } from 'vitest'
import { newIdempotencyKey } from './newIdempotencyKey'

it.each(['with', 'without'])('keys differ and fit into a header, %s Web Crypto', (which) => {
  if (which === 'without') vi.stubGlobal('crypto', undefined)
  const keys = Array.from({ length: 1000 }, newIdempotencyKey)
  expect(new Set(keys).size).toBe(1000)
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/)
})
