import type { Clock } from '../../transports/clock'
import type { StreamFault } from './fault'

/** What a stream's text goes through on its way to the reader. */
export interface Delivery {
  deliver(text: string): readonly string[]
}

export interface Wire {
  /** Writes late. */
  write(text: string): void
  close(): void
  break(): void
}

/** Does to a stream's events what a fault says. `wire` is asked for once there is something to do to it. */
export function faultyDelivery(fault: StreamFault, clock: Clock, wire: () => Wire): Delivery {
  const { afterEvents = 0 } = fault
  let events = 0
  let isSilent = false
  let heldBack: string | null = null
  const isEvent = (text: string) => !text.startsWith(':')

  const faulty = (text: string): readonly string[] => {
    switch (fault.do) {
      case 'cut':
        // After what came before it was read: a break takes with it what the reader has not got yet.
        queueMicrotask(() => wire().break())
        isSilent = true
        return []
      case 'close':
        queueMicrotask(() => wire().close())
        isSilent = true
        return []
      case 'silence':
        isSilent = true
        return []
      case 'delay_events':
        clock.setTimer(() => wire().write(text), fault.seconds * 1000)
        return []
      default: {
        const isNth = (events - afterEvents) % (fault.every ?? 2) === 0
        if (fault.do === 'lose_events') return isNth ? [] : [text]
        if (fault.do === 'duplicate_events') return isNth ? [text, text] : [text]
        if (isNth && heldBack === null) {
          heldBack = text
          return []
        }
        const both = heldBack === null ? [text] : [text, heldBack]
        heldBack = null
        return both
      }
    }
  }

  return {
    deliver(text) {
      if (isSilent) return []
      // What was held back goes before a sign of life, so that nothing is late without end.
      if (!isEvent(text)) {
        const late = heldBack === null ? [] : [heldBack]
        heldBack = null
        return [...late, text]
      }
      return events++ < afterEvents ? [text] : faulty(text)
    },
  }
}
