/** What `task` makes of each item, in their order, with no more than `atOnce` under way. Rejects with the first failure. */
export async function inTurn<Item, Made>(
  items: readonly Item[],
  atOnce: number,
  task: (item: Item) => Promise<Made>,
): Promise<Made[]> {
  const made: Made[] = []
  const left = items.entries()
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    for (const [index, item] of left) made[index] = await task(item)
  })
  await Promise.all(workers)
  return made
}
