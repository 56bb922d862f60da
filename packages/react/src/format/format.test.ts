import { describe, expect, it } from 'vitest'
import { formatBytes } from './bytes'
import { formatCount } from './count'
import { englishDuration } from './duration'
import { formatMetric } from './metric'

describe('englishDuration', () => {
  it.each([
    [0, '0 s'],
    [0.0004, '1 ms'],
    [0.42, '420 ms'],
    [0.9999, '1 s'],
    [1.64, '1.6 s'],
    [9.96, '10 s'],
    [40, '40 s'],
    [59.6, '1 min'],
    [125, '2 min 5 s'],
    [3599.9, '1 h'],
    [3780, '1 h 3 min'],
    [187_200, '2 d 4 h'],
    [-3, '0 s'],
    [Number.NaN, '–'],
  ])('says %d s as %s', (seconds, words) => expect(englishDuration(seconds)).toBe(words))
})

describe('formatBytes', () => {
  it.each([
    [0, '0 byte'],
    [512, '512 byte'],
    [4_812_332, '4.8 MB'],
    [999_999, '1 MB'],
    [24_000_000_000, '24 GB'],
  ])('says %d as %s', (bytes, words) => expect(formatBytes(bytes, 'en')).toBe(words))
})

describe('formatMetric', () => {
  it.each([
    [0.2134, '0.2134'],
    [0.15, '0.1500'],
    [2134.2, '2,134'],
    [0.00001234, '1.234e-5'],
    [0, '0.000'],
    ['NaN' as const, 'NaN'],
    [null, '–'],
  ])('shows %s as %s', (value, words) => expect(formatMetric(value, 'en')).toBe(words))
})

describe('formatCount', () => {
  it('groups from five digits on, so that a step reads as it is logged', () => {
    expect([formatCount(315, 'en'), formatCount(1315, 'en'), formatCount(131_500, 'en')]).toEqual([
      '315',
      '1315',
      '131,500',
    ])
  })
})
