import { expect, it } from 'vitest'
import { makeCommand } from '../testing/fixtures'
import { stopPosition } from './stopPosition'

const startedAt = '2026-11-23T18:00:00.000Z'
const rows = {
  attempt: [1, 1, 2, 2, 2],
  step: [1, 2, 3, 4, 5],
  epoch: [],
  elapsed_seconds: [1, 2, 1, 2, 3],
  values: {},
}
const asked = makeCommand({ created_at: '2026-11-23T18:00:02.500Z' })
const context = { attempt: 2, startedAt, command: null, last: asked }

it('marks the last step that the running attempt had logged when the stop was asked for', () => {
  expect(stopPosition(context, rows, 5, 'step')).toBe(4)
  expect(stopPosition(context, rows, 5, 'seconds')).toBe(2.5)
})

it('marks nothing for a pause, for a stop that another replaced, or before the start', () => {
  expect(stopPosition({ ...context, last: makeCommand({ action: 'pause' }) }, rows, 5, 'step')).toBeNull()
  expect(
    stopPosition({ ...context, last: makeCommand({ status: 'superseded' }) }, rows, 5, 'step'),
  ).toBeNull()
  expect(stopPosition({ ...context, startedAt: null }, rows, 5, 'step')).toBeNull()
})

it('still marks the stop after the resume that followed it became the newest command', () => {
  const last = makeCommand({ id: 'cmd_2', action: 'resume' })
  expect(stopPosition({ ...context, last, earlier: [last, asked] }, rows, 5, 'step')).toBe(4)
})
