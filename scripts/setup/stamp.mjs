import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { inRoot } from '../paths.mjs'

/** Does `work` only when one of `inputs` (files below the root) has changed since it was last done. */
export async function whenChanged(stampFile, inputs, work) {
  const hash = createHash('sha256')
  for (const input of inputs)
    hash
      .update(input)
      .update('\0')
      .update(readFileSync(inRoot(input)))
      .update('\0')
  const wanted = hash.digest('hex')
  const stamp = inRoot(stampFile)
  let found = ''
  try {
    found = readFileSync(stamp, 'utf8')
  } catch {
    // Never done here.
  }
  if (found === wanted) return
  await work()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
}
