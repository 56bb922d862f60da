import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventStreamParser } from './eventStreamParser'

type Seen = ['comment'] | ['message', string | null, string] | ['id', string] | ['retry', number]

function parse(chunks: string[], maxCharacters?: number) {
  const seen: Seen[] = []
  const parser = eventStreamParser(
    {
      onComment: () => seen.push(['comment']),
      onMessage: ({ id, data }) => seen.push(['message', id, data]),
      onId: (id) => seen.push(['id', id]),
      onRetry: (milliseconds) => seen.push(['retry', milliseconds]),
    },
    maxCharacters,
  )
  const overflows = chunks.map((chunk) => parser.feed(chunk))
  return { seen, overflow: overflows.find((beginning) => beginning !== null) ?? null }
}

/** The same by eventsource-parser, which does not tell of ids without data. */
function parseByReference(chunks: string[]): Seen[] {
  const seen: Seen[] = []
  const parser = createParser({
    onComment: () => seen.push(['comment']),
    onEvent: ({ id, data }) => seen.push(['message', id ?? null, data]),
    onRetry: (milliseconds) => seen.push(['retry', milliseconds]),
  })
  for (const chunk of chunks) parser.feed(chunk)
  return seen
}

function split<Whole extends { length: number; slice(from: number, to: number): Whole }>(
  whole: Whole,
  borders: number[],
): Whole[] {
  const sorted = [...new Set(borders.map((border) => border % (whole.length + 1)))].sort((a, b) => a - b)
  return [0, ...sorted].map((from, i) => whole.slice(from, sorted[i] ?? whole.length))
}

/** Bytes of which most mean something to the grammar. */
const soup = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom('data', 'id', 'event', 'retry', ':', ': ', ' ', '\n', '\r', '\r\n'),
      },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          'data: x\n',
          'id: 1.2\n',
          '\n\n',
          'retry: 50\n',
          ': beat\n',
          '\0',
          '\uFEFF',
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 5 }) },
    ),
    { maxLength: 60 },
  )
  .map((parts) => new TextEncoder().encode(parts.join('')))
const anyBytes = fc.oneof(
  { weight: 4, arbitrary: soup },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
)
const anyBorders = fc.array(fc.nat(), { maxLength: 20 })

function decoded(chunks: Uint8Array[]): string[] {
  const decoder = new TextDecoder()
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true }))
}

describe('eventStreamParser', () => {
  it('reads any bytes, cut anywhere, as eventsource-parser reads them', () => {
    fc.assert(
      fc.property(anyBytes, anyBorders, (bytes, borders) => {
        // The reference holds a last carriage return back until it knows what follows.
        const chunks = [...decoded(split(bytes, borders)), '\n']
        const { seen } = parse(chunks)
        expect(seen.filter(([kind]) => kind !== 'id')).toEqual(parseByReference(chunks))
      }),
      { numRuns: 2000 },
    )
  })

  it('reads the same wherever any bytes are cut', () => {
    fc.assert(
      fc.property(anyBytes, anyBorders, (bytes, borders) => {
        expect(parse(decoded(split(bytes, borders)))).toEqual(parse(decoded([bytes])))
      }),
      { numRuns: 1000 },
    )
  })

  it('tells an id that comes without data, of which nothing happened', () => {
    expect(parse(['id: 1.7\n\n', 'data: x\n\n']).seen).toEqual([
      ['id', '1.7'],
      ['message', null, 'x'],
    ])
  })

  it('tells an event at once, although what ended it could be the half of a line’s end', () => {
    expect(parse(['data: x\r\r']).seen).toEqual([['message', null, 'x']])
    expect(parse(['data: x\r', '\n\r', '\ndata: y\n\n']).seen).toEqual([
      ['message', null, 'x'],
      ['message', null, 'y'],
    ])
  })

  it('joins the lines of data, and tells an empty one', () => {
    expect(parse(['data: a\ndata:\ndata:  b\n\ndata\n\n']).seen).toEqual([
      ['message', null, 'a\n\n b'],
      ['message', null, ''],
    ])
  })

  it('takes no id with a NUL, and no retry that is not a number', () => {
    expect(parse(['id: 1\0\ndata: x\n\nretry: soon\nretry: 5000\n\n']).seen).toEqual([
      ['message', null, 'x'],
      ['retry', 5000],
    ])
  })

  it('hears nothing in lines that are no fields of it', () => {
    expect(parse(['lorem ipsum\n\n\n\nevent: job\n\nfoo: bar\n\n']).seen).toEqual([])
  })

  it.each([
    ['in one piece', (text: string) => [text]],
    ['piece by piece', (text: string) => text.match(/.{1,7}|\n/g) ?? []],
  ])('gives up an event that is too large, %s', (_, cut) => {
    const before = 'data: ok\n\n'
    for (const large of [
      `data: ${'x'.repeat(100)}\n\n`,
      `:${'x'.repeat(100)}\n`,
      'data: xxxxxxxxxx\n'.repeat(10),
    ]) {
      const { seen, overflow } = parse([before, ...cut(large)], 50)
      expect(seen).toEqual([['message', null, 'ok']])
      expect(overflow).toMatch(/x/)
    }
  })
})
