import { expect, it } from 'vitest'
import { at, makeCommand, makeReceipt } from '../testing/fixtures'
import { receiptTimeline } from './receiptTimeline'

it('lists all seven stages in their order, whatever the order of the receipts', () => {
  const receipts = [makeReceipt('delivered'), makeReceipt('accepted'), makeReceipt('requested')]
  expect(
    receiptTimeline(makeCommand({ receipts })).map(({ stage, state, isCurrent }) => [
      stage,
      state,
      isCurrent,
    ]),
  ).toEqual([
    ['requested', 'done', false],
    ['accepted', 'done', false],
    ['delivered', 'done', false],
    ['acknowledged', 'waiting', true],
    ['checkpoint_saved', 'waiting', false],
    ['process_exited', 'waiting', false],
    ['resources_released', 'waiting', false],
  ])
})

it('measures each stage from the one before that took time, over those that were skipped', () => {
  const receipts = [
    makeReceipt('requested', { at: at(0) }),
    makeReceipt('accepted', { at: at(1) }),
    makeReceipt('delivered', { at: at(3) }),
    makeReceipt('acknowledged', { at: at(3), state: 'skipped' }),
    makeReceipt('process_exited', { at: at(7) }),
    makeReceipt('resources_released', { at: at(9), state: 'not_measured' }),
  ]
  const after = receiptTimeline(makeCommand({ receipts })).map(({ after }) => after && Math.round(after))
  expect(after).toEqual([null, 1, 2, null, null, 4, null])
})

it('says of a command that has ended what it never reached', () => {
  const stages = receiptTimeline(makeCommand({ status: 'superseded' }))
  expect(stages.slice(2).map(({ state }) => state)).toEqual(Array(5).fill('not_reached'))
  expect(stages.some(({ isCurrent }) => isCurrent)).toBe(false)
})

it('leaves out of a resume what only a stop goes through', () => {
  const receipts = [
    makeReceipt('requested'),
    makeReceipt('delivered'),
    makeReceipt('checkpoint_saved', { state: 'skipped' }),
  ]
  const stagesOf = (action: 'resume' | 'pause') =>
    receiptTimeline(makeCommand({ action, status: 'active', receipts })).map(({ stage }) => stage)
  expect(stagesOf('resume')).not.toContain('checkpoint_saved')
  expect(stagesOf('resume')).toContain('acknowledged')
  expect(stagesOf('pause')).toContain('checkpoint_saved')
})

it('keeps a stage and a state that a newer server invents', () => {
  const receipts = [
    makeReceipt('requested'),
    { ...makeReceipt('accepted'), stage: 'blessed', state: 'maybe' },
  ]
  expect(receiptTimeline(makeCommand({ receipts })).at(-1)).toMatchObject({
    stage: 'blessed',
    state: 'maybe',
  })
})
