import { type AnsiSpan, type AnsiStyle, parseAnsiLine, plainStyle } from './ansi'

export interface LogLine {
  /** Counts from 1 over everything that was read. */
  number: number
  spans: readonly AnsiSpan[]
}

/** A run of lines. A chunk that is full never changes again, so a renderer can keep it. */
export interface LogChunk {
  key: number
  lines: readonly LogLine[]
}

export interface LogContent {
  chunks: readonly LogChunk[]
  /** Lines in `chunks`. */
  lineCount: number
  /** Lines that were read and let go again, since only so many are kept. */
  dropped: number
}

export const emptyLog: LogContent = Object.freeze({ chunks: Object.freeze([]), lineCount: 0, dropped: 0 })

const linesPerChunk = 200
/** Longer lines go on in the next one: a program that never prints a newline must not slow the page. */
const longestLine = 4096

/**
 * The kept end of a log, cut into lines and coloured. A line feed ends a line, and so does a lone carriage return:
 * what was printed first stays to be seen, rather than being overwritten.
 */
export class LogBuffer {
  #chunks: LogChunk[] = []
  #open = ''
  #style: AnsiStyle = plainStyle
  #lines = 0
  #dropped = 0
  #nextKey = 0
  readonly #keep: number

  constructor(keepLines: number) {
    this.#keep = Math.max(1, keepLines)
  }

  append(text: string): void {
    // A carriage return at the very end may be half of a CR LF.
    const pieces = (this.#open + text).split(/\r\n|\n|\r(?!$)/)
    this.#open = pieces.pop() as string
    const lines: LogLine[] = []
    for (const piece of pieces) for (const part of cut(piece)) lines.push(this.#line(part))
    while (this.#open.length > longestLine) {
      lines.push(this.#line(this.#open.slice(0, longestLine)))
      this.#open = this.#open.slice(longestLine)
    }
    this.#push(lines)
  }

  content(): LogContent {
    const chunks = [...this.#chunks]
    let lineCount = chunks.reduce((sum, chunk) => sum + chunk.lines.length, 0)
    const open = this.#open.replace(/\r$/, '')
    if (open !== '') {
      const line = { number: this.#lines + 1, spans: parseAnsiLine(open, this.#style).spans }
      const last = chunks[chunks.length - 1]
      if (last && last.lines.length < linesPerChunk) {
        chunks[chunks.length - 1] = { key: last.key, lines: [...last.lines, line] }
      } else chunks.push({ key: this.#nextKey, lines: [line] })
      lineCount += 1
    }
    return { chunks, lineCount, dropped: this.#dropped }
  }

  #line(text: string): LogLine {
    const { spans, after } = parseAnsiLine(text, this.#style)
    this.#style = after
    this.#lines += 1
    return { number: this.#lines, spans }
  }

  #push(lines: readonly LogLine[]): void {
    let from = 0
    while (from < lines.length) {
      const last = this.#chunks[this.#chunks.length - 1]
      if (!last || last.lines.length >= linesPerChunk) {
        this.#chunks.push({ key: this.#nextKey++, lines: lines.slice(from, from + linesPerChunk) })
        from += linesPerChunk
      } else {
        const room = linesPerChunk - last.lines.length
        this.#chunks[this.#chunks.length - 1] = {
          key: last.key,
          lines: [...last.lines, ...lines.slice(from, from + room)],
        }
        from += room
      }
    }
    let kept = this.#chunks.reduce((sum, chunk) => sum + chunk.lines.length, 0)
    while (kept - (this.#chunks[0]?.lines.length ?? 0) >= this.#keep) {
      const gone = this.#chunks.shift()?.lines.length ?? 0
      kept -= gone
      this.#dropped += gone
    }
  }
}

function* cut(line: string): Generator<string> {
  let rest = line
  while (rest.length > longestLine) {
    yield rest.slice(0, longestLine)
    rest = rest.slice(longestLine)
  }
  yield rest
}
