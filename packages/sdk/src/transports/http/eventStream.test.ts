import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEventStream } from './eventStream'
import { maxEventCharacters } from './eventStreamParser'

const pass = <T>(promise: Promise<T>) => promise

function streamOf(chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

async function readAll(chunks: Uint8Array[]) {
  const messages: { id: string | null; data: string }[] = []
  let comments = 0
  const overflows: string[] = []
  await readEventStream(streamOf(chunks), pass, {
    onComment: () => comments++,
    onMessage: (message) => messages.push(message),
    onId() {},
    onRetry() {},
    onOverflow: (beginning) => overflows.push(beginning),
  })
  return { messages, comments, overflows }
}

const bytes = (text: string) => new TextEncoder().encode(text)

function split(whole: Uint8Array, borders: number[]): Uint8Array[] {
  const sorted = [...new Set(borders.map((border) => border % (whole.length + 1)))].sort((a, b) => a - b)
  return [0, ...sorted].map((from, i) => whole.subarray(from, sorted[i] ?? whole.length))
}

describe('readEventStream', () => {
  it('reads the same wherever the chunks are cut, in the middle of a character too', async () => {
    const line = fc.constantFrom('\n', '\r\n', '\r')
    const data = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replace(/[\r\n]/g, ''))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ data, line, comment: fc.boolean() }), { minLength: 1, maxLength: 10 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        async (events, borders) => {
          const text = events
            .map((event, i) => {
              const { line } = event
              const comment = event.comment ? `: beat${line}` : ''
              return `${comment}id: 1.${i}${line}event: job${line}data: ${event.data}${line}${line}`
            })
            .join('')
          // The last carriage return could still be half of a line's end.
          const whole = bytes(`${text}\n`)
          const { messages, comments } = await readAll(split(whole, borders))
          expect(messages).toEqual(events.map(({ data }, i) => ({ id: `1.${i}`, data })))
          expect(comments).toBe(events.filter(({ comment }) => comment).length)
        },
      ),
    )
  })

  it('passes over a byte order mark', async () => {
    const { messages } = await readAll([
      new Uint8Array([0xef, 0xbb]),
      new Uint8Array([0xbf]),
      bytes('data: x\n\n'),
    ])
    expect(messages).toEqual([{ id: null, data: 'x' }])
  })

  it('does not tell an event that was cut off', async () => {
    const { messages } = await readAll([bytes('data: whole\n\ndata: half')])
    expect(messages.map(({ data }) => data)).toEqual(['whole'])
  })

  it('gives up an event that is larger than it can take', async () => {
    const large = bytes(`data: ${'x'.repeat(maxEventCharacters)}x\n\n`)
    for (const chunks of [[large], split(large, [9, 4000, 2_000_000])]) {
      const { messages, overflows } = await readAll([
        bytes('data: before\n\n'),
        ...chunks,
        bytes('data: y\n\n'),
      ])
      expect(messages.map(({ data }) => data)).toEqual(['before'])
      expect(overflows.map((beginning) => beginning.slice(0, 9))).toEqual(['data: xxx'])
    }
  })

  it('lets the connection go when it is broken off', async () => {
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true
      },
    })
    const broken = readEventStream(endless, () => Promise.reject(new Error('stop')), {
      onComment() {},
      onMessage() {},
      onId() {},
      onRetry() {},
      onOverflow() {},
    })
    await expect(broken).rejects.toThrow('stop')
    expect(cancelled).toBe(true)
  })
})
