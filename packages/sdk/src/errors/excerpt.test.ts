import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { excerpt } from './excerpt'

describe('an excerpt', () => {
  it('is one short line', () => {
    expect(excerpt('  a\n\tb\u0000c  ')).toBe('a b c')
    expect(excerpt('x'.repeat(1000))).toHaveLength(200)
    expect(excerpt('x'.repeat(1000), [], 500)).toHaveLength(500)
  })

  it('never holds a secret of the request, wherever it stands and however it is written', () => {
    const secret = fc
      .string({ minLength: 8, maxLength: 40, unit: 'binary-ascii' })
      .filter((text) => /^\S+$/.test(text) && !/^(.)\1*$/.test(text))
    const around = fc.array(fc.constantFrom(' ', 'x', '\n', 'token=', ' '.repeat(1990), 'y'.repeat(150)))
    fc.assert(
      fc.property(
        secret,
        around,
        around,
        fc.constantFrom('raw', 'json', 'url'),
        (key, before, after, form) => {
          const written =
            form === 'json' ? JSON.stringify(key) : form === 'url' ? encodeURIComponent(key) : key
          const shown = excerpt(`${before.join('')}${written}${after.join('')}`, [`Bearer ${key}`])
          expect(shown.length).toBeLessThanOrEqual(200)
          expect(shown).not.toContain(key)
          if (form === 'url') expect(shown).not.toContain(written)
          if (form === 'json') expect(shown).not.toContain(written.slice(1, -1))
        },
      ),
    )
  })

  it('shows no part of a secret that is longer than what is looked at', () => {
    const jwt = Array.from({ length: 900 }, (_, i) => `seg${i}.`).join('')
    for (const spaces of [0, 10, 3990, 4100]) {
      expect(excerpt(`${' '.repeat(spaces)}${jwt}`, [`Bearer ${jwt}`])).not.toMatch(/seg/)
    }
  })

  it('hides what is in a header, and no plain words', () => {
    expect(excerpt('no sid 0123456789', ['a=b; sid=0123456789'])).toBe('no sid …')
    expect(excerpt('Bearer token is missing', ['Bearer abcdef0123'])).toBe('Bearer token is missing')
    expect(excerpt('a bad day', ['a'])).toBe('a bad day')
  })

  it('hides credentials that it was not told of, where they say what they are', () => {
    expect(excerpt('authorization: Bearer abcdef123')).toBe('authorization: Bearer …')
  })
})
