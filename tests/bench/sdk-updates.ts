/**
 * Updates a second through the SDK's reader and reducer, in one thread: of bytes as they come from a server, to the job as
 * it is shown; and how much of it each part takes, beside eventsource-parser on the same bytes.
 * `npm run bench -- sdk-updates`.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { createParser } from 'eventsource-parser'
import type { Job, WireEvent, WireJob } from '../../packages/sdk/src/protocol'
import { reduceJob } from '../../packages/sdk/src/state/reduceJob'
import { eventStreamParser } from '../../packages/sdk/src/transports/http/eventStreamParser'
import { parseEvent } from '../../packages/sdk/src/transports/http/parseEvent'
import { root } from '../training-stack'

const updates = 20_000
const chunkBytes = 16 * 1024
const rounds = 7

const vectors = (name: string) =>
  JSON.parse(readFileSync(join(root, `packages/sdk/protocol/vectors/${name}.json`), 'utf8')).valid[0].value
const job: WireJob = { ...vectors('Job'), id: 'job_1', status: 'running', generation: 1, seq: 0 }

/** As a run tells them: mostly metrics, a snapshot now and then. */
function text(): string {
  const events: string[] = []
  for (let seq = 1; seq <= updates; seq++) {
    const at = job.updated_at
    const progress = { ...job.progress, step: seq }
    const latest_metrics = {
      loss: { value: 1 / seq, step: seq, at },
      accuracy: { value: 0.9, step: seq, at },
    }
    const columns = {
      ...{ attempt: [1], step: [seq], epoch: [null], elapsed_seconds: [seq / 4] },
      values: { loss: [1 / seq], accuracy: [0.9] },
    }
    const envelope = { job_id: 'job_1', generation: 1, seq, at }
    const event =
      seq % 20 === 1
        ? { ...envelope, type: 'job', data: { ...job, seq, progress, latest_metrics } }
        : { ...envelope, type: 'metrics', data: { progress, latest_metrics, columns } }
    events.push(`id: 1.${seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event as WireEvent)}\n\n`)
  }
  return events.join('')
}

const bytes = new TextEncoder().encode(text())
const chunks: Uint8Array[] = []
for (let from = 0; from < bytes.length; from += chunkBytes)
  chunks.push(bytes.subarray(from, from + chunkBytes))

function decoded(feed: (text: string) => unknown): void {
  const decoder = new TextDecoder()
  for (const chunk of chunks) feed(decoder.decode(chunk, { stream: true }))
}

function ours(onData: (data: string) => void): void {
  const ignored = { onComment() {}, onId() {}, onRetry() {} }
  const parser = eventStreamParser({ ...ignored, onMessage: ({ data }) => onData(data) })
  decoded((chunk) => parser.feed(chunk))
}

/** What each does with the whole stream; each answers how many updates it saw. */
const ways: Record<string, () => number> = {
  'eventsource-parser alone'() {
    let seen = 0
    const parser = createParser({ onEvent: () => seen++ })
    decoded((chunk) => parser.feed(chunk))
    return seen
  },
  'the reader alone'() {
    let seen = 0
    ours(() => seen++)
    return seen
  },
  'eventsource-parser and JSON.parse'() {
    let seen = 0
    const parser = createParser({ onEvent: ({ data }) => JSON.parse(data) && seen++ })
    decoded((chunk) => parser.feed(chunk))
    return seen
  },
  'the reader and its check of every field'() {
    let seen = 0
    ours((data) => {
      if (parseEvent(data, []).kind === 'event') seen++
    })
    return seen
  },
  'the reader, the check and the reducer'() {
    let shown: Job | null = null
    let seen = 0
    ours((data) => {
      const parsed = parseEvent(data, [])
      if (parsed.kind !== 'event') return
      const before: Job | null = shown
      shown = reduceJob(before, parsed.event)
      if (shown !== before) seen++
    })
    return seen
  },
}

console.log(
  `${updates} updates of ${Math.round(bytes.length / updates)} bytes in chunks of ${chunkBytes / 1024} KiB, best of ${rounds}`,
)
console.log(`(${availableParallelism()} × ${cpus()[0]?.model}, Node ${process.versions.node}):`)
for (const [name, way] of Object.entries(ways)) {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now()
    const seen = way()
    best = Math.min(best, performance.now() - begun)
    if (seen !== updates) throw new Error(`${name} saw ${seen} of ${updates} updates.`)
  }
  const rate = Math.round((updates / best) * 1000)
  const mebibytes = (bytes.length / 2 ** 20 / (best / 1000)).toFixed(0)
  console.log(
    `${name.padEnd(42)}${rate.toLocaleString('en').padStart(11)} a second ${mebibytes.padStart(6)} MiB/s`,
  )
}
