#!/usr/bin/env node
/** What the built SDK adds to an app's bundle, by size-limit, and that it stays within packages/sdk/.size-limit.js. */
import { execFileSync } from 'node:child_process'
import { inRoot } from './paths.mjs'

/** `/query` may add so much to the actions that it calls. Bytes, gzip. */
const queryLimit = 1500

const sizes = measured()
for (const { name, size, sizeLimit, passed } of sizes) report(name, size, sizeLimit, passed)
const [root, withQuery] = sizes.slice(-2)
report(
  '/query, over the actions',
  withQuery.size - root.size,
  queryLimit,
  withQuery.size - root.size <= queryLimit,
)

function measured() {
  const argv = [inRoot('node_modules/.bin/size-limit'), '--json']
  try {
    return parsed(
      execFileSync(argv[0], argv.slice(1), {
        cwd: inRoot('packages/sdk'),
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    )
  } catch (error) {
    // It exits with 1 where something is too large, and tells it all the same.
    if (!error.stdout) throw error
    return parsed(error.stdout)
  }
}

function parsed(output) {
  const answer = JSON.parse(String(output))
  if (!Array.isArray(answer)) throw new Error(`size-limit: ${answer.error}`)
  return answer
}

function report(name, size, limit, passed) {
  const kB = (bytes) => `${(bytes / 1000).toFixed(2)} kB`
  console.log(
    `${name.padEnd(44)}${kB(size).padStart(9)}   at most ${kB(limit)}${passed ? '' : '   TOO LARGE'}`,
  )
  if (!passed) process.exitCode = 1
}
