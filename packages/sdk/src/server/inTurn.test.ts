import { describe, expect, it } from 'vitest'
import { inTurn } from './inTurn'

describe('inTurn', () => {
  it('keeps the order, and never has more under way than it may', async () => {
    let underWay = 0
    let most = 0
    const made = await inTurn(
      Array.from({ length: 50 }, (_, i) => i),
      4,
      async (item) => {
        most = Math.max(most, ++underWay)
        // The later ones are done first.
        for (let turn = 0; turn < 50 - item; turn++) await null
        underWay--
        return item * 2
      },
    )
    expect(made).toEqual(Array.from({ length: 50 }, (_, i) => i * 2))
    expect(most).toBe(4)
  })

  it('ends with the first failure, and of nothing makes nothing', async () => {
    await expect(inTurn([1, 2], 1, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await inTurn([], 4, async () => 1)).toEqual([])
  })
})
