import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backoffDelay } from './backoff'
import { systemClock } from './clock'

it('back-off is anywhere between nothing and a limit that doubles up to its cap', () => {
  const clockWith = (chance: number) => ({ ...systemClock, random: () => chance })
  const anyFailures = fc.integer({ min: 0, max: 2000 })
  fc.assert(
    fc.property(anyFailures, fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, chance) => {
      const delay = backoffDelay(clockWith(chance), { base: 500, cap: 10_000 }, failures)
      const limit = Math.min(10_000, 500 * 2 ** Math.max(0, failures - 1))
      expect(delay).toBeCloseTo(limit * chance)
    }),
  )
})
