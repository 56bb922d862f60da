import { readdirSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod/mini'
import { arbitraryOf } from '../scripted/arbitraryOf'
import { mutated } from '../scripted/mutated'
import * as read from './read'
import * as s from './schemas'

const pairs = {
  readJob: s.job,
  readCommand: s.command,
  readEvent: s.event,
  readEventsRequest: s.eventsRequest,
  readControlAnswer: s.controlAnswer,
  readJobAnswer: s.jobAnswer,
  readJobsAnswer: s.jobsAnswer,
  readCommandAnswer: s.commandAnswer,
  readCommandsAnswer: s.commandsAnswer,
  readCheckpointsAnswer: s.checkpointsAnswer,
  readMetricsAnswer: s.metricsAnswer,
  readLogsAnswer: s.logsAnswer,
  readCapabilitiesAnswer: s.capabilitiesAnswer,
} satisfies Record<keyof typeof read, z.ZodMiniType>
const readers: Record<string, read.Reader<unknown>> = { ...read }

/** The vectors of every schema, good and bad: what one of them is for is hostile to all others. */
const folder = new URL('../../protocol/vectors/', import.meta.url)
const vectors = readdirSync(folder).flatMap((file) => {
  const { valid, invalid } = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
  return [...valid, ...invalid].map(({ value }: { value: unknown }) => value)
})

function byZod(schema: z.ZodMiniType, value: unknown): read.Read<unknown> {
  const parsed = z.safeParse(schema, value)
  if (parsed.success) return { ok: true, value: parsed.data }
  return { ok: false, where: parsed.error.issues[0]?.path.map(String).join('.') ?? '' }
}

describe.each(Object.entries(pairs))('%s is its zod schema', (name, schema) => {
  const same = (value: unknown) => {
    const expected = byZod(schema, value)
    const result = readers[name]?.(value)
    // Not by vitest's equality, to which a field named `constructor` is the object's own.
    if (!isDeepStrictEqual(result, expected)) expect(result).toEqual({ ...expected, differs: true })
    return expected.ok
  }

  it('for every test vector of the protocol', () => {
    for (const value of vectors) same(value)
  })

  it('for what a server may send', () => {
    let accepted = 0
    fc.assert(
      fc.property(arbitraryOf(schema), (value) => {
        if (same(value)) accepted += 1
      }),
      { numRuns: 300 },
    )
    // Or the property would be about refusals only.
    expect(accepted).toBeGreaterThan(name === 'readEventsRequest' ? 50 : 200)
  })

  it('for what no honest server sends', () => {
    fc.assert(
      fc.property(mutated(arbitraryOf(schema)), (value) => void same(value)),
      { numRuns: 600 },
    )
  })

  it('for anything at all', () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withSparseArray: true }),
        (value) => void same(value),
      ),
    )
  })
})

describe('a reader', () => {
  it('does not write what is in a `__proto__` to any prototype', () => {
    const metrics = JSON.parse('{"__proto__": {"value": 1, "step": null, "at": "2026-11-23T18:09:00Z"}}')
    const job = {
      ...(vectors.find((value) => byZod(s.wireJob, value).ok) as object),
      latest_metrics: metrics,
    }
    const result = read.readJob(job)
    expect(result.ok && Object.getPrototypeOf(result.value.latest_metrics)).toBe(Object.prototype)
    expect(result.ok && Object.keys(result.value.latest_metrics)).toEqual([])
  })

  it('is not led into the depth of what may be anything, or is left out', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    const answer = { success: true, action: 'cancel', job_id: 'job_1', result: deep, more: deep }
    const { more, ...known } = answer
    expect(more).toBe(deep)
    expect(isDeepStrictEqual(read.readControlAnswer(answer), { ok: true, value: known })).toBe(true)
  })

  it('gives no part of what came in to be changed with it, but for what may be anything', () => {
    const job = vectors.find((value) => byZod(s.wireJob, value).ok) as { progress: object }
    const result = read.readJob(job)
    expect(result.ok && result.value.progress).not.toBe(job.progress)
  })

  it('has the types of its schema', () => {
    type Pairs = typeof pairs
    type Readers = typeof read
    type Outputs = { [Name in keyof Pairs]: Extract<ReturnType<Readers[Name]>, { ok: true }>['value'] }
    expectTypeOf<Outputs>().toEqualTypeOf<{ [Name in keyof Pairs]: z.output<Pairs[Name]> }>()
  })
})
