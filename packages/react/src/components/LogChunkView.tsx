import { type CSSProperties, memo } from 'react'
import type { AnsiColor, AnsiSpan } from '../log/ansi'
import { plainStyle } from '../log/ansi'
import type { LogChunk } from '../log/logBuffer'

/** A run of lines. Full chunks keep their identity, so only the last one renders again. */
export const LogChunkView = memo(function LogChunkView({ chunk }: { chunk: LogChunk }) {
  return (
    <div className="trainstop-log-chunk">
      {chunk.lines.map((line) => (
        <div key={line.number} className="trainstop-log-line" data-line={line.number}>
          {line.spans.map((span, index) =>
            span.style === plainStyle ? (
              span.text
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: a line's spans never move
              <LogSpan key={index} span={span} />
            ),
          )}
        </div>
      ))}
    </div>
  )
})

function LogSpan({ span: { text, style } }: { span: AnsiSpan }) {
  const colors: Record<string, string> = {}
  if (style.color) colors['--_color'] = cssColor(style.color)
  if (style.background) colors['--_back'] = cssColor(style.background)
  return (
    <span
      className="trainstop-log-span"
      data-color={style.color}
      data-background={style.background}
      data-bold={style.bold}
      data-dim={style.dim}
      data-italic={style.italic}
      data-underline={style.underline}
      data-strike={style.strike}
      data-inverse={style.inverse}
      style={colors as CSSProperties}
    >
      {text}
    </span>
  )
}

const cssColor = (color: AnsiColor) => (color.startsWith('#') ? color : `var(--_ansi-${color})`)
