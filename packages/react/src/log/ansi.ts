/** The sixteen colours that a theme decides on. */
export const ansiColors = [
  'black',
  'red',
  'green',
  'yellow',
  'blue',
  'magenta',
  'cyan',
  'white',
  'bright-black',
  'bright-red',
  'bright-green',
  'bright-yellow',
  'bright-blue',
  'bright-magenta',
  'bright-cyan',
  'bright-white',
] as const
/** One of the theme's sixteen colours, or a fixed one as `#rrggbb`. */
export type AnsiColor = (typeof ansiColors)[number] | `#${string}`

export interface AnsiStyle {
  color?: AnsiColor
  background?: AnsiColor
  bold?: true
  dim?: true
  italic?: true
  underline?: true
  inverse?: true
  strike?: true
}

export interface AnsiSpan {
  text: string
  style: AnsiStyle
}

export const plainStyle: AnsiStyle = Object.freeze({})

const esc = '\u001b'
// CSI with its parameters; a terminated OSC, DCS, SOS, PM or APC string; a charset choice; any other two-character escape.
const sequence = new RegExp(
  [
    `(?:${esc}\\[|\\u009b)([0-?]*)([ -/]*)([@-~])`,
    `(?:${esc}[\\]PX^_]|[\\u009d\\u0090\\u0098\\u009e\\u009f])[^${esc}\\u0007\\u009c]*(?:${esc}\\\\|\\u0007|\\u009c)`,
    `${esc}[()*+#%][0-9A-Za-z]?`,
    `${esc}[0-Z\\\\-~]`,
  ].join('|'),
  'g',
)
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is made visible here
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/**
 * One line of terminal output as spans of text and style. Colours and weights are taken over; every other escape
 * sequence is dropped without effect, stray control characters and bidirectional overrides are made visible, so that
 * a log can neither move, hide nor overwrite what is shown, nor reach anything outside it.
 *
 * `before` is the style that the line before left on; the answer's `after` goes into the next line.
 */
export function parseAnsiLine(line: string, before: AnsiStyle): { spans: AnsiSpan[]; after: AnsiStyle } {
  const spans: AnsiSpan[] = []
  let style = before
  let from = 0
  const push = (raw: string) => {
    if (raw === '') return
    const text = raw.replace(controls, visible)
    const last = spans[spans.length - 1]
    if (last && last.style === style) last.text += text
    else spans.push({ text, style })
  }
  for (const match of line.matchAll(sequence)) {
    push(line.slice(from, match.index))
    from = match.index + match[0].length
    if (match[3] === 'm' && match[2] === '' && !/[<-?]/.test(match[1] as string)) {
      style = applySgr(style, match[1] as string)
    }
  }
  push(line.slice(from))
  return { spans, after: style }
}

function visible(character: string): string {
  const code = character.charCodeAt(0)
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  return '\ufffd'
}

const flags: Record<number, keyof AnsiStyle> = {
  1: 'bold',
  2: 'dim',
  3: 'italic',
  4: 'underline',
  7: 'inverse',
  9: 'strike',
}
const resets: Record<number, readonly (keyof AnsiStyle)[]> = {
  21: ['bold'],
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
  29: ['strike'],
  39: ['color'],
  49: ['background'],
}

/** Select Graphic Rendition. Conceal (8) is passed over on purpose: a log may not hide its own text. */
function applySgr(before: AnsiStyle, parameters: string): AnsiStyle {
  let style: AnsiStyle = { ...before }
  const groups = parameters.split(';')
  for (let i = 0; i < groups.length; i++) {
    const sub = (groups[i] as string).split(':').map(Number)
    const code = sub[0] || 0
    if (code === 0) style = {}
    else if (code in flags) style = { ...style, [flags[code] as string]: true }
    else if (code in resets) for (const key of resets[code] ?? []) delete style[key]
    else if (code >= 30 && code <= 37) style.color = ansiColors[code - 30] as AnsiColor
    else if (code >= 40 && code <= 47) style.background = ansiColors[code - 40] as AnsiColor
    else if (code >= 90 && code <= 97) style.color = ansiColors[code - 82] as AnsiColor
    else if (code >= 100 && code <= 107) style.background = ansiColors[code - 92] as AnsiColor
    else if (code === 38 || code === 48) {
      const [color, used] =
        sub.length > 1
          ? [extendedColor(sub.length > 5 ? [sub[1], ...sub.slice(3)] : sub.slice(1)), 0]
          : takeExtended(groups, i)
      i += used
      if (color) style[code === 38 ? 'color' : 'background'] = color
    }
  }
  return Object.keys(style).length === 0 ? plainStyle : style
}

function takeExtended(groups: string[], at: number): [AnsiColor | undefined, number] {
  const kind = Number(groups[at + 1])
  const length = kind === 5 ? 2 : kind === 2 ? 4 : 1
  return [extendedColor(groups.slice(at + 1, at + 1 + length).map(Number)), length]
}

function extendedColor([kind, ...values]: readonly (number | undefined)[]): AnsiColor | undefined {
  const bytes = values.map((value) => Math.min(255, Math.max(0, Math.trunc(value ?? 0) || 0)))
  if (kind === 2 && bytes.length >= 3) return hex(bytes[0] as number, bytes[1] as number, bytes[2] as number)
  if (kind !== 5 || bytes.length === 0) return undefined
  const index = bytes[0] as number
  if (index < 16) return ansiColors[index]
  if (index >= 232) return hex(...(Array(3).fill(8 + (index - 232) * 10) as [number, number, number]))
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40)
  const cube = index - 16
  return hex(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6))
}

function hex(red: number, green: number, blue: number): AnsiColor {
  return `#${[red, green, blue].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
