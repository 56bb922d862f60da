import type { StopMode, WireJob } from '@trainstop/sdk'
import { job as jobSchema } from '@trainstop/sdk/protocol'
import { describe, expect, it } from 'vitest'
import { english } from '../messages/english'
import { at, makeCheckpoint, makeCommand, makeJob } from '../testing/fixtures'
import { stopConsequences } from './stopConsequences'

function said(changes: Partial<WireJob> = {}, mode: StopMode = 'graceful'): string[] {
  const job = jobSchema.parse(makeJob(changes))
  return stopConsequences(job, mode, Date.now(), english).map(({ tone, text }) => `${tone}: ${text}`)
}
const cannotSave = { ...makeJob().capabilities, modes: ['force' as const] }

describe('what the dialog says is kept and lost', () => {
  it('promises a checkpoint where the run can save one', () => {
    expect(said()).toEqual([
      'kept: A checkpoint will be saved first.',
      'neutral: Last checkpoint: step 300, 40 s ago; 15 steps since then.',
    ])
  })

  it('promises none where the run cannot', () => {
    expect(said({ capabilities: cannotSave })).toEqual([
      'lost: Nothing more will be saved.',
      'lost: Last checkpoint: step 300, 40 s ago; 15 steps since then will be lost.',
    ])
  })

  it('says plainly that all is lost', () => {
    expect(said({ capabilities: cannotSave, last_checkpoint: null })).toContain(
      'lost: No checkpoint has been saved yet: all progress will be lost.',
    )
  })

  it('counts what a force loses', () => {
    expect(said({}, 'force')).toEqual([
      'lost: Last checkpoint: step 300, 40 s ago; 15 steps since then will be lost.',
    ])
  })

  it('loses nothing where nothing came after the last checkpoint', () => {
    expect(said({ last_checkpoint: makeCheckpoint(315, { saved_at: at(-3) }) }, 'force')).toEqual([
      'kept: Last checkpoint: step 315, 3 s ago.',
    ])
  })

  it('speaks of one step in the singular', () => {
    expect(said({ last_checkpoint: makeCheckpoint(314) }, 'force')[0]).toContain(
      '1 step since then will be lost',
    )
  })

  it('knows that a run which has not started has nothing to lose', () => {
    expect(said({ status: 'pending', last_checkpoint: null })).toEqual([
      'kept: Training has not started yet, so nothing will be lost.',
    ])
  })

  it('knows that a suspended run has saved already', () => {
    expect(said({ status: 'paused' })).toEqual([
      'kept: Training is paused; its last checkpoint is kept. Last checkpoint: step 300, 40 s ago.',
    ])
  })

  it('treats a run that is held in memory as one that still has to save', () => {
    const held = makeCommand({ action: 'pause', hold: true, status: 'succeeded' })
    expect(said({ status: 'paused', last_command: held })[0]).toBe('kept: A checkpoint will be saved first.')
  })

  it('warns where the run does not answer', () => {
    expect(said({ health: 'unresponsive' }).at(-1)).toMatch(/^warning: The run is not answering/)
  })

  it.each([
    ['checkpoint', 'kept: Training runs on to its next checkpoint, then stops.'],
    ['epoch', 'kept: Training runs on to the end of the epoch, saves a checkpoint, then stops.'],
  ] as const)('says how long mode %s goes on', (mode, sentence) => expect(said({}, mode)[0]).toBe(sentence))
})
