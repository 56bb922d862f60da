import { describe, expect, it } from 'vitest'
import { type AnsiStyle, parseAnsiLine, plainStyle } from './ansi'

const E = '\u001b'
const parse = (line: string, before: AnsiStyle = plainStyle) => parseAnsiLine(line, before)
const textOf = (line: string) =>
  parse(line)
    .spans.map(({ text }) => text)
    .join('')

describe('parseAnsiLine', () => {
  it('keeps plain text as one plain span', () => {
    expect(parse('loss 0.21').spans).toEqual([{ text: 'loss 0.21', style: plainStyle }])
  })

  it.each([
    ['the eight colours', `${E}[31mx`, { color: 'red' }],
    ['their bright ones', `${E}[92mx`, { color: 'bright-green' }],
    ['backgrounds', `${E}[44mx`, { background: 'blue' }],
    ['bright backgrounds', `${E}[103mx`, { background: 'bright-yellow' }],
    ['the 256-colour cube', `${E}[38;5;208mx`, { color: '#ff8700' }],
    ['the 256-colour greys', `${E}[48;5;232mx`, { background: '#080808' }],
    ['the first 16 of the 256 as the theme has them', `${E}[38;5;1mx`, { color: 'red' }],
    ['true colour', `${E}[38;2;120;90;200mx`, { color: '#785ac8' }],
    ['true colour with colons and a colour space', `${E}[38:2::120:90:200mx`, { color: '#785ac8' }],
    ['several in one sequence', `${E}[1;4;31mx`, { bold: true, underline: true, color: 'red' }],
  ])('understands %s', (_name, line, style) => {
    expect(parse(line).spans).toEqual([{ text: 'x', style }])
  })

  it('takes back what it set, one by one and all at once', () => {
    expect(parse(`${E}[1;31ma${E}[22mb${E}[39mc${E}[1md${E}[me`).spans.map(({ style }) => style)).toEqual([
      { bold: true, color: 'red' },
      { color: 'red' },
      {},
      { bold: true },
      {},
    ])
  })

  it('goes on with the style that the line before left on', () => {
    const { after } = parse(`${E}[31merror:`)
    expect(parse('still red', after).spans).toEqual([{ text: 'still red', style: { color: 'red' } }])
  })

  it('does not let a log hide its own text', () => {
    expect(parse(`${E}[8msecret${E}[0m`).spans).toEqual([{ text: 'secret', style: plainStyle }])
  })

  it.each([
    ['a cursor move', `a${E}[2Ab`, 'ab'],
    ['clearing the screen', `a${E}[2J${E}[Hb`, 'ab'],
    ['the alternate screen', `${E}[?1049hab`, 'ab'],
    ['a title', `${E}]0;title\u0007ab`, 'ab'],
    ['a hyperlink', `${E}]8;;javascript:alert(1)${E}\\ab${E}]8;;${E}\\`, 'ab'],
    ['a device control string', `${E}Pq#0;2${E}\\ab`, 'ab'],
    ['a reset of the terminal', `${E}cab`, 'ab'],
    ['a one-character CSI', '\u009b31mab', 'ab'],
  ])('drops %s', (_name, line, text) => {
    expect(textOf(line)).toBe(text)
  })

  it('keeps what follows a title that never ends', () => {
    expect(textOf(`${E}]0;all of this stays`)).toContain('all of this stays')
  })

  it.each([
    ['backspace', 'a\bb', 'a␈b'],
    ['bell', 'a\u0007b', 'a␇b'],
    ['delete', 'a\u007fb', 'a␡b'],
    ['a right-to-left override', 'a\u202eb', 'a\ufffdb'],
  ])('makes %s visible', (_name, line, text) => {
    expect(textOf(line)).toBe(text)
  })

  it('leaves no control character in, and loses no other, whatever it is fed', () => {
    const alphabet = [
      E,
      '[',
      ']',
      '3',
      '1',
      ';',
      'm',
      '\u0007',
      '\b',
      'x',
      '\\',
      '\u009b',
      'é',
      '<',
      '?',
      'P',
    ]
    let seed = 42
    const random = (below: number) => {
      seed = (seed * 16807) % 2147483647
      return seed % below
    }
    for (let round = 0; round < 5000; round++) {
      const line = Array.from({ length: random(24) }, () => alphabet[random(alphabet.length)]).join('')
      const text = textOf(line)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must be gone
      expect(text, JSON.stringify(line)).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/)
      if (!line.includes(E) && !line.includes('\u009b')) expect(text.length).toBe(line.length)
    }
  })
})
