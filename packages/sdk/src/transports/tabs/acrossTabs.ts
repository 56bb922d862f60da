import { type Clock, systemClock } from '../clock'
import type { Transport } from '../transport'
import { Tab, type TabChannel, type TabLocks } from './tab'

/** What tabs have in common; what they use of the browser can be given for tests, or where there is none. */
export interface AcrossTabsOptions {
  /**
   * Tabs with the same name share a connection, and so what comes through it: name the training server and who is signed
   * in, so that nobody is shown another user's jobs. What is another origin's is never shared.
   */
  name: string
  /** Default: the browser's (`navigator.locks`). */
  locks?: TabLocks | undefined
  /** Default: the browser's (`BroadcastChannel`). */
  channel?: ((name: string) => TabChannel) | undefined
  /** For tests: the time that patience goes by. */
  clock?: Clock | undefined
}

/**
 * A transport of which, of all tabs of a browser that show jobs, one alone watches them, and tells the others. When that
 * tab is closed another one takes over from where it was. A tab that hears nothing of it watches for itself, and so does
 * every tab where the browser has no Web Locks or no BroadcastChannel. Calls are made by each tab itself.
 *
 * `createTrainingClient({ transport: acrossTabs(http({ url }), { name: user.id }) })`
 */
export function acrossTabs(
  transport: Transport,
  { name, locks = browserLocks(), channel = browserChannel(), clock = systemClock }: AcrossTabsOptions,
): Transport {
  if (!locks || !channel) return transport
  const tab = new Tab({ transport, name: `trainstop ${name}`, locks, channel, clock })
  return {
    request: (call, options) => transport.request(call, options),
    subscribe: (options) => tab.subscribe(options),
  }
}

function browserLocks(): TabLocks | undefined {
  const { navigator } = globalThis as { navigator?: { locks?: TabLocks } }
  return navigator?.locks
}

function browserChannel(): ((name: string) => TabChannel) | undefined {
  const { BroadcastChannel } = globalThis as { BroadcastChannel?: new (name: string) => TabChannel }
  return BroadcastChannel && ((name) => new BroadcastChannel(name))
}
