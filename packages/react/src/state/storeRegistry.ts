import type { TrainingClient } from '@trainstop/sdk'
import type { LiveStore } from './liveStore'

// biome-ignore lint/suspicious/noExplicitAny: a store of any snapshot, which a store of unknown is not
type AnyStore = LiveStore<any>

const registry = new WeakMap<TrainingClient, Map<string, AnyStore>>()
/** Idle stores that are kept, so that going back to a run shows at once what was known of it. */
const idleKept = 100

/** The one store of that key for that client, made on first use. `key` names the kind of store and what it is about. */
export function storeOf<Store extends AnyStore>(
  client: TrainingClient,
  key: string,
  create: () => Store,
): Store {
  const stores = registry.get(client) ?? new Map<string, AnyStore>()
  registry.set(client, stores)
  const existing = stores.get(key)
  if (existing) return existing as Store
  if (stores.size >= idleKept) for (const [old, store] of stores) if (store.idle) stores.delete(old)
  const store = create()
  stores.set(key, store)
  return store
}
