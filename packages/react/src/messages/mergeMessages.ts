import type { PartialMessages, TrainstopMessages } from './messages'

/** `base` with whatever `changes` has, at any depth. What is undefined in `changes` stays as it was. */
export function mergeMessages(base: TrainstopMessages, changes: PartialMessages): TrainstopMessages {
  return merge(base as unknown as Tree, changes as Tree) as unknown as TrainstopMessages
}

interface Tree {
  [name: string]: unknown
}

function merge(base: Tree, changes: Tree): Tree {
  const merged = { ...base }
  for (const [name, change] of Object.entries(changes)) {
    if (change === undefined) continue
    const isBranch = typeof change === 'object' && change !== null && typeof base[name] === 'object'
    merged[name] = isBranch ? merge(base[name] as Tree, change as Tree) : change
  }
  return merged
}
