import { describe, expect, it } from 'vitest'
import { LogBuffer } from './logBuffer'

function linesOf(buffer: LogBuffer): string[] {
  return buffer
    .content()
    .chunks.flatMap(({ lines }) => lines.map(({ spans }) => spans.map(({ text }) => text).join('')))
}

describe('LogBuffer', () => {
  it('cuts text into lines, the unfinished last one too', () => {
    const buffer = new LogBuffer(100)
    buffer.append('one\ntwo\nthr')
    expect(linesOf(buffer)).toEqual(['one', 'two', 'thr'])
    buffer.append('ee\n')
    expect(linesOf(buffer)).toEqual(['one', 'two', 'three'])
  })

  it('gives the same lines however the text was cut into pieces', () => {
    const text = 'a\r\nb\rc\n\n\u001b[31md\u001b[0m\ne'
    const whole = new LogBuffer(100)
    whole.append(text)
    for (let cut = 0; cut <= text.length; cut++) {
      const pieces = new LogBuffer(100)
      pieces.append(text.slice(0, cut))
      pieces.content()
      pieces.append(text.slice(cut))
      expect(pieces.content()).toEqual(whole.content())
    }
    expect(linesOf(whole)).toEqual(['a', 'b', 'c', '', 'd', 'e'])
  })

  it('shows what a carriage return would have overwritten', () => {
    const buffer = new LogBuffer(100)
    buffer.append('rm -rf everything\rall is well\n')
    expect(linesOf(buffer)).toEqual(['rm -rf everything', 'all is well'])
  })

  it('keeps the last lines, at most a chunk more than asked, and counts those it let go', () => {
    const buffer = new LogBuffer(1000)
    for (let i = 1; i <= 12_345; i++) buffer.append(`line ${i}\n`)
    const { lineCount, dropped } = buffer.content()
    expect(lineCount).toBeGreaterThanOrEqual(1000)
    expect(lineCount).toBeLessThan(1200)
    expect(lineCount + dropped).toBe(12_345)
    expect(linesOf(buffer).at(-1)).toBe('line 12345')
    expect(linesOf(buffer)[0]).toBe(`line ${dropped + 1}`)
  })

  it('never changes a full chunk again', () => {
    const buffer = new LogBuffer(1000)
    buffer.append('x\n'.repeat(450))
    const before = buffer.content().chunks
    buffer.append('y\n'.repeat(100))
    const after = buffer.content().chunks
    expect(after[0]).toBe(before[0])
    expect(after[1]).toBe(before[1])
    expect(after[2]).not.toBe(before[2])
  })

  it('goes on in a new line where a program never ends one', () => {
    const buffer = new LogBuffer(100)
    for (let i = 0; i < 50; i++) buffer.append('x'.repeat(1000))
    expect(linesOf(buffer).join('')).toBe('x'.repeat(50_000))
    expect(Math.max(...linesOf(buffer).map((line) => line.length))).toBeLessThanOrEqual(4096)
  })
})
