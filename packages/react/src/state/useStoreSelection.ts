import { useMemo, useRef, useSyncExternalStore } from 'react'
import { isSameShallow } from './isSameShallow'
import type { LiveStore } from './liveStore'

/** Reads a part of a store, and renders only when that part changes. `select` may be made anew on each render. */
export function useStoreSelection<Snapshot, Selection>(
  store: LiveStore<Snapshot>,
  onServer: Snapshot,
  select: (snapshot: Snapshot) => Selection,
): Selection {
  const [read, readOnServer] = useSelectionReader(store, onServer, select)
  return useSyncExternalStore(store.subscribe, read, readOnServer)
}

/** What `useSyncExternalStore` reads with: the same object as long as the selection is the same. */
export function useSelectionReader<Snapshot, Selection>(
  store: LiveStore<Snapshot>,
  onServer: Snapshot,
  select: (snapshot: Snapshot) => Selection,
): readonly [read: () => Selection, readOnServer: () => Selection] {
  const last = useRef<{ selection: Selection } | null>(null)
  return useMemo(() => {
    let memo: { snapshot: Snapshot; selection: Selection } | null = null
    const selectionOf = (snapshot: Snapshot): Selection => {
      if (memo?.snapshot === snapshot) return memo.selection
      let selection = select(snapshot)
      const before = memo ?? last.current
      if (before && isSameShallow(before.selection, selection)) selection = before.selection
      memo = { snapshot, selection }
      last.current = memo
      return selection
    }
    return [() => selectionOf(store.getSnapshot()), () => selectionOf(onServer)] as const
  }, [store, onServer, select])
}
