/** How fresh what is shown is. */
export interface Connection {
  /** What updates come through now. `none`: not connected yet, between two attempts, or finished. */
  readonly source: 'sse' | 'polling' | 'none'
  /** When the server was last heard (an event, a heartbeat or a poll's answer), in milliseconds since the epoch. */
  readonly lastEventAt: number | null
  /** What is shown may be out of date: the server has been silent for too long, or a reconnect has failed. */
  readonly stale: boolean
  /** How many attempts have failed since the server was last heard. */
  readonly attempt: number
}

/** The connection of what has heard nothing yet. */
export const disconnected: Connection = { source: 'none', lastEventAt: null, stale: false, attempt: 0 }
