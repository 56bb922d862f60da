import { useSyncExternalStore } from 'react'

let now = 0
let timer: ReturnType<typeof setInterval> | null = null
const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  if (timer === null) {
    now = Date.now()
    timer = setInterval(() => {
      now = Date.now()
      for (const each of [...listeners]) each()
    }, 1000)
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }
}

const read = () => {
  if (timer === null && Date.now() - now >= 1000) now = Date.now()
  return now
}
const never = () => () => {}

/** The time in milliseconds, ticking once a second for all who ask while `ticking`; on the server 0. */
export function useNow(ticking = true): number {
  return useSyncExternalStore(ticking ? subscribe : never, read, () => 0)
}
