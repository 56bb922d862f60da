import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import type { Command, Job, TrainingEvent, WireJob } from '../protocol'
import { event, job } from '../protocol/schemas'
import { neverBack } from '../scripted/neverBack'
import {
  endEvent,
  envelope,
  jobEvent,
  metricsEvent,
  sampleCheckpoint,
  sampleCommand,
  wireJob,
} from '../scripted/samples'
import { newerJob, reduceJob } from './reduceJob'

const parse = (wire: unknown): TrainingEvent => z.parse(event, wire)
const parseJob = (wire: unknown): Job => z.parse(job, wire)

/** Everything that a server tells of one job, in its order, with what the job really is after each of it. */
const histories = fc
  .array(fc.constantFrom('job', 'metrics', 'begun', 'ended', 'checkpoint', 'removed', 'log'), {
    minLength: 1,
    maxLength: 30,
  })
  .map((types) => {
    const statuses = ['running', 'stopping', 'a-status-of-tomorrow', 'cancelled']
    let truth = wireJob({ seq: 1, status: 'pending', last_checkpoint: null })
    const events: TrainingEvent[] = [parse(jobEvent(truth))]
    const truths: Job[] = [parseJob(truth)]
    let status = 0
    const tell = (type: string, data: unknown, changes: Partial<WireJob>) => {
      const seq = truth.seq + 1
      truth = { ...truth, ...changes, seq, updated_at: envelope(seq).at }
      events.push(parse({ ...envelope(seq), type, data: type === 'job' ? truth : data }))
      truths.push(parseJob(truth))
    }
    for (const type of types) {
      const step = truth.seq * 10
      if (type === 'job') tell('job', null, { status: statuses[Math.min(status++, 3)] ?? '' })
      else if (type === 'metrics') {
        const { data } = metricsEvent(0, step)
        tell(type, data, { progress: data.progress, latest_metrics: data.latest_metrics })
      } else if (type === 'begun') {
        const command = sampleCommand({ id: `cmd_${truth.seq}`, status: 'active' })
        tell('command', command, { command })
      } else if (type === 'ended' && truth.command) {
        const command: Command = { ...truth.command, status: 'succeeded' }
        tell('command', command, { command: null, last_command: command })
      } else if (type === 'checkpoint') {
        const checkpoint = sampleCheckpoint({ id: `step-${truth.seq}`, step })
        tell(type, checkpoint, { last_checkpoint: checkpoint })
      } else if (type === 'removed' && truth.last_checkpoint) {
        // Retention takes an older one; what the last one is stays.
        tell('checkpoint', sampleCheckpoint({ id: 'step-0', step: 0, removed_at: envelope(1).at }), {})
      } else if (type === 'log')
        events.push(parse({ ...envelope(truth.seq), type, data: { attempt: 1, size: step } }))
    }
    return { events, truths }
  })

/** Any loss, delay, doubling and reordering of a history, with reads of any moment between, older ones too. */
const deliveries = histories.chain(({ events, truths }) => {
  const reads = truths.map((truth): TrainingEvent => ({ ...envelope(truth.seq), type: 'job', data: truth }))
  return fc
    .array(fc.constantFrom(...events, ...reads), { maxLength: events.length * 3 })
    .map((delivered) => ({ delivered, events, truths }))
})

describe('reduceJob', () => {
  it('shows of no part anything older than it has shown, whatever is lost, late, doubled or out of order', () => {
    fc.assert(
      fc.property(deliveries, ({ delivered, truths }) => {
        let shown: Job | null = null
        const see = neverBack(truths)
        for (const next of delivered) {
          shown = reduceJob(shown, next)
          see(shown)
        }
      }),
    )
  })

  it('never refuses the newest snapshot that has come, whatever else is newer', () => {
    fc.assert(
      fc.property(deliveries, ({ delivered }) => {
        let shown: Job | null = null
        let newest: Job | null = null
        for (const next of delivered) {
          shown = reduceJob(shown, next)
          if (next.type === 'job' && next.data.seq >= (newest?.seq ?? 0)) newest = next.data
          expect(shown?.raw_status).toBe(newest?.raw_status)
        }
      }),
    )
  })

  it("ends in the server's state once it was read again, with everything late still to come", () => {
    fc.assert(
      fc.property(deliveries, ({ delivered, events, truths }) => {
        const truth = truths.at(-1) as Job
        const read: TrainingEvent = { ...envelope(truth.seq), type: 'job', data: truth }
        const shown = [...delivered, read, ...delivered, ...events].reduce<Job | null>(reduceJob, null)
        expect(shown).toEqual(truth)
      }),
    )
  })

  it('comes to what the server has from every event in its order, without any read', () => {
    fc.assert(
      fc.property(histories, ({ events, truths }) => {
        const known = truths.at(-1) as Job
        const shown = events.reduce<Job | null>(reduceJob, null) as Job
        // That a checkpoint went changes nothing of the job but its age.
        const { seq, updated_at, ...fields } = shown
        expect({ ...known, ...fields }).toEqual(known)
        expect(seq).toBeLessThanOrEqual(known.seq)
      }),
    )
  })

  it('comes to the same whichever of two accounts is held and whichever comes in', () => {
    fc.assert(
      fc.property(histories, ({ events, truths }) => {
        const first = truths[0] as Job
        const half = events.slice(0, events.length / 2).reduce<Job | null>(reduceJob, first) as Job
        const other = events.slice(events.length / 2).reduce<Job | null>(reduceJob, first) as Job
        expect(newerJob(half, other)).toEqual(newerJob(other, half))
      }),
    )
  })

  it('takes a true snapshot although metrics that are newer have come, and keeps the metrics', () => {
    const held = reduceJob(parseJob(wireJob()), parse(metricsEvent(3, 30)))
    const shown = reduceJob(held, parse(jobEvent({ seq: 2, status: 'stopping' })))
    expect(shown).toMatchObject({ status: 'stopping', progress: { step: 30 }, seq: 3 })
    expect(reduceJob(shown, parse(jobEvent({ seq: 1, status: 'running' })))).toBe(shown)
    const mended = reduceJob(shown, parse(jobEvent({ seq: 4, status: 'cancelled' })))
    expect(mended).toEqual(parseJob(wireJob({ seq: 4, status: 'cancelled' })))
  })

  it('does not take a checkpoint that was removed for the last one', () => {
    const held = parseJob(wireJob())
    const last = held.last_checkpoint
    if (!last) throw new Error('the sample has a checkpoint')
    const removed = { ...last, removed_at: envelope(2).at }
    expect(reduceJob(held, parse({ ...envelope(2), type: 'checkpoint', data: removed }))).toBe(held)
  })

  it('builds nothing of a newer generation on an older one', () => {
    const held = parseJob(wireJob({ seq: 9 }))
    expect(reduceJob(held, parse({ ...metricsEvent(3, 30), generation: 2 }))).toBe(held)
  })

  it('does not change the job that it was given', () => {
    const held = Object.freeze(parseJob(wireJob()))
    expect(reduceJob(held, parse(metricsEvent(2, 20)))?.progress.step).toBe(20)
    expect(held.progress.step).not.toBe(20)
  })

  it('shows nothing before the first snapshot', () => {
    expect(reduceJob(null, parse(metricsEvent(2, 20)))).toBeNull()
    expect(reduceJob(null, parse(endEvent(2, 'completed')))).toBeNull()
  })

  it('keeps a status that it does not know as unknown, with its raw word', () => {
    const shown = reduceJob(null, parse(jobEvent({ status: 'hibernating' })))
    expect(shown).toMatchObject({ status: 'unknown', raw_status: 'hibernating' })
  })

  it('takes a lower seq of a newer generation for newer, as after a restored backup', () => {
    const held = parseJob(wireJob({ seq: 900 }))
    const restored = parseJob(wireJob({ generation: 2, seq: 3 }))
    expect(newerJob(held, restored)).toBe(restored)
    expect(newerJob(restored, held)).toBe(restored)
  })

  it('keeps showing the job through a reset, until the snapshot after it', () => {
    const held = parseJob(wireJob({ seq: 5 }))
    const reset = parse({ ...envelope(9), type: 'reset', data: { reason: 'too slow' } })
    expect(reduceJob(held, reset)).toBe(held)
  })

  it('is not changed by a bookmark, nor by being gone', () => {
    const held = parseJob(wireJob({ seq: 5 }))
    for (const event of [
      { ...envelope(9), type: 'bookmark', data: {} },
      { ...envelope(9), type: 'gone', data: { reason: 'There is no such job.' } },
    ])
      expect(reduceJob(held, parse(event))).toBe(held)
  })

  it('is not changed by an event of another job', () => {
    const held = parseJob(wireJob())
    expect(reduceJob(held, parse({ ...metricsEvent(2, 20), job_id: 'job_2' }))).toBe(held)
    expect(reduceJob(held, parse(jobEvent({ id: 'job_2', seq: 9 })))).toBe(held)
  })

  it('moves a command from under way to ended', () => {
    const active = sampleCommand({ id: 'cmd_1', status: 'active' })
    const ended = sampleCommand({ id: 'cmd_1', status: 'succeeded' })
    const begun = reduceJob(parseJob(wireJob()), parse({ ...envelope(2), type: 'command', data: active }))
    expect(begun).toMatchObject({ command: { id: 'cmd_1' }, last_command: null, seq: 2 })
    const over = reduceJob(begun, parse({ ...envelope(3), type: 'command', data: ended }))
    expect(over).toMatchObject({ command: null, last_command: { status: 'succeeded' }, seq: 3 })
  })

  it('leaves the command under way when an older one is told to have ended', () => {
    const forced = parseJob(wireJob({ command: sampleCommand({ id: 'cmd_2', status: 'active' }) }))
    const superseded = sampleCommand({ id: 'cmd_1', status: 'superseded', superseded_by: 'cmd_2' })
    const shown = reduceJob(forced, parse({ ...envelope(2), type: 'command', data: superseded }))
    expect(shown).toMatchObject({ command: { id: 'cmd_2' }, last_command: { id: 'cmd_1' } })
  })

  it('takes a checkpoint for the last one only if it verified and is not of an earlier step', () => {
    const last = parseJob(wireJob()).last_checkpoint
    if (!last) throw new Error('the sample has a checkpoint')
    const held = parseJob(wireJob())
    const at = (step: number, verified: boolean) =>
      reduceJob(held, parse({ ...envelope(2), type: 'checkpoint', data: { ...last, step, verified } }))
    expect(at((last.step ?? 0) + 1, true)?.last_checkpoint?.step).toBe((last.step ?? 0) + 1)
    expect(at((last.step ?? 0) + 1, false)?.last_checkpoint).toEqual(last)
    expect(at((last.step ?? 0) - 1, true)?.last_checkpoint).toEqual(last)
  })
})
