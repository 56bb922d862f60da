import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import type { Job, TrainingEvent } from '../protocol'
import { event, job } from '../protocol/schemas'
import { endEvent, envelope, jobEvent, metricsEvent, sampleCommand, wireJob } from '../scripted/samples'
import { comparePositions } from './jobOrder'
import { newerJob, reduceJob } from './reduceJob'

const parse = (wire: unknown): TrainingEvent => z.parse(event, wire)
const parseJob = (wire: unknown): Job => z.parse(job, wire)

/** What a server would send of one job, in its order, and what the job is in the end. */
const histories = fc
  .array(fc.constantFrom('job', 'metrics', 'command', 'log'), { minLength: 1, maxLength: 30 })
  .map((types) => {
    const events: TrainingEvent[] = [parse(jobEvent({ seq: 1, status: 'pending' }))]
    const statuses = ['running', 'stopping', 'a-status-of-tomorrow', 'cancelled']
    let seq = 1
    let status = 0
    for (const type of types) {
      seq++
      if (type === 'job') events.push(parse(jobEvent({ seq, status: statuses[Math.min(status++, 3)] ?? '' })))
      else if (type === 'metrics') events.push(parse(metricsEvent(seq, seq * 10)))
      else if (type === 'command') events.push(parse({ ...envelope(seq), type, data: sampleCommand() }))
      else events.push(parse({ ...envelope(seq), type, data: { attempt: 1, size: seq } }))
    }
    const final = parse(jobEvent({ seq: seq + 1, status: 'cancelled' }))
    return { events, final }
  })

/** Any loss, doubling and reordering of a history. */
const deliveries = histories.chain(({ events, final }) =>
  fc
    .array(fc.constantFrom(...events), { maxLength: events.length * 2 })
    .map((delivered) => ({ delivered, events, final })),
)

describe('reduceJob', () => {
  it('never shows a state older than one already shown, whatever is lost, doubled or out of order', () => {
    fc.assert(
      fc.property(deliveries, ({ delivered, final }) => {
        let shown: Job | null = null
        for (const next of [...delivered, final, ...delivered]) {
          const before: Job | null = shown
          shown = reduceJob(before, next)
          if (before === null) continue
          expect(shown).not.toBeNull()
          expect(comparePositions(shown as Job, before)).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })

  it("ends in the server's state once its last snapshot is there, with every late event still to come", () => {
    fc.assert(
      fc.property(deliveries, ({ delivered, final }) => {
        const shown = [...delivered, final, ...delivered].reduce<Job | null>(reduceJob, null)
        expect(shown).toEqual(final.data)
      }),
    )
  })

  it('comes to the same from a whole history as from its last snapshot and what follows', () => {
    fc.assert(
      fc.property(histories, ({ events }) => {
        const whole = events.reduce<Job | null>(reduceJob, null)
        const lastSnapshot = events.findLastIndex(({ type }) => type === 'job')
        const joined = events.slice(lastSnapshot).reduce<Job | null>(reduceJob, null)
        expect(joined).toEqual(whole)
      }),
    )
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
