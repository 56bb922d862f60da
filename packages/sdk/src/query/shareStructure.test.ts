import { replaceEqualDeep } from '@tanstack/query-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shareStructure } from './shareStructure'

describe('shareStructure', () => {
  it('equals the new value, and is the old one if that is equal', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (held, incoming) => {
        expect(shareStructure(held, incoming)).toEqual(incoming)
        expect(shareStructure(held, structuredClone(held))).toBe(held)
      }),
    )
  })

  it('keeps each part that did not change', () => {
    const held = { a: { b: [1, 2] }, c: { d: 1 } }
    const next = shareStructure(held, { a: { b: [1, 2] }, c: { d: 2 } }) as typeof held
    expect(next).not.toBe(held)
    expect(next.a).toBe(held.a)
    expect(next.c).toEqual({ d: 2 })
  })

  it("shares what TanStack Query's own would share", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b'), fc.jsonValue()), fc.jsonValue(), (held, value) => {
        const incoming = { ...structuredClone(held), b: value }
        const theirs = replaceEqualDeep(held, structuredClone(incoming)) as Record<string, unknown>
        const ours = shareStructure(held, structuredClone(incoming)) as Record<string, unknown>
        expect(ours === held).toBe(theirs === held)
        expect(ours.a === held.a).toBe(theirs.a === held.a)
      }),
    )
  })
})
