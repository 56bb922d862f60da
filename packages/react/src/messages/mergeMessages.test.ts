import { expect, it } from 'vitest'
import { english } from './english'
import { mergeMessages } from './mergeMessages'

it('replaces the words it is given, at any depth, and keeps all others', () => {
  const german = mergeMessages(english, {
    locale: 'de',
    stop: { button: 'Training anhalten', waitingFor: { delivered: 'Wird übergeben' } },
    ago: undefined,
  })
  expect(german.stop.button).toBe('Training anhalten')
  expect(german.stop.waitingFor.delivered).toBe('Wird übergeben')
  expect(german.stop.waitingFor.acknowledged).toBe(english.stop.waitingFor.acknowledged)
  expect(german.ago('40 s')).toBe('40 s ago')
  expect(english.stop.button).toBe('Stop training')
})
