import type { WireEvent } from '../../protocol'
import type { Clock } from '../../transports/clock'
import type { JobRecord } from '../mock/jobRecord'
import { stateOf } from '../mock/jobRecord'
import type { MockJobs } from '../mock/mockJobs'
import { noSuchJob, Refusal } from '../mock/refusal'
import { isFinal } from '../mock/states'

/** A server says something at least so often. */
const heartbeatSeconds = 10
const bookmarkSeconds = 60
/** A reader that is so far behind what happens is shown the present instead. */
const farBehindEvents = 5000
const here = ': here\n\n'

export interface EventStreamOptions {
  jobs: MockJobs
  clock: Clock
  owner: string | null
  /** Each job with the id of the last event that the reader knows of it. */
  cursors: ReadonlyMap<string, string | null>
  /** Of many jobs: with bookmarks, and `gone` for those that aren't there. */
  many: boolean
  /** What becomes of each piece of text on its way. */
  deliver?: ((text: string) => readonly string[]) | undefined
}

/** Where a reader stands in one job. */
interface Place {
  readonly job: JobRecord
  /** Up to here everything was said. */
  seq: number
  isMarked: boolean
  log: { attempt: number; size: number }
  leave(): void
}

/** One reader's stream: each job without gap or double, from its cursor or from a snapshot on. */
export class EventStream {
  readonly readable: ReadableStream<Uint8Array>
  readonly #options: EventStreamOptions
  readonly #places = new Map<string, Place>()
  readonly #out: string[] = []
  readonly #bytes = new TextEncoder()
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  #cancelHeartbeat = () => {}
  #cancelBookmark = () => {}
  #isOver = false

  constructor(options: EventStreamOptions) {
    this.#options = options
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
          this.#begin()
        },
        pull: () => this.#pump(),
        cancel: () => this.#leave(),
      },
      { highWaterMark: 16 },
    )
  }

  /** Says something that comes late. */
  write(text: string): void {
    if (!this.#isOver) this.#controller?.enqueue(this.#bytes.encode(text))
  }

  /** The server goes, or a proxy closes: no error, and no end of any job. */
  close(): void {
    if (this.#isOver) return
    this.#leave()
    this.#controller?.close()
  }

  /** The connection breaks. */
  break(reason: unknown): void {
    if (this.#isOver) return
    this.#leave()
    this.#controller?.error(reason)
  }

  #begin(): void {
    const { cursors, many } = this.#options
    if (many) this.#out.push(here)
    for (const [jobId, cursor] of cursors) this.#takePlace(jobId, cursor)
    this.#heartbeat()
    if (many) this.#bookmark()
    this.#pump()
  }

  #takePlace(jobId: string, cursor: string | null): void {
    const { jobs, owner, many } = this.#options
    let job: JobRecord
    try {
      job = jobs.record(jobId, owner)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.#sayGone(jobId)
      return
    }
    const leave = jobs.listen(jobId, () => this.#pump())
    const place: Place = { job, seq: -1, isMarked: false, log: { attempt: job.attempt, size: 0 }, leave }
    this.#places.set(jobId, place)
    const match = cursor === null ? null : /^([0-9]{1,15})\.([0-9]{1,15})$/.exec(cursor)
    const isOurs = match !== null && Number(match[1]) === jobs.generation && Number(match[2]) <= job.seq
    if (isOurs) {
      place.seq = Number(match[2])
      if (!many) this.#out.push(here)
    } else {
      const why = "The cursor is none of this store's; what was built on it may never have been."
      this.#saySnapshot(place, cursor === null ? null : why)
    }
  }

  /** Says what there is to say, as far as the reader takes it. */
  #pump(): void {
    const controller = this.#controller
    while (!this.#isOver && controller && (controller.desiredSize ?? 0) > 0) {
      const text = this.#out.shift() ?? this.#next()
      if (text !== undefined) this.#write(text)
      else if (this.#places.size === 0) this.close()
      else return
    }
  }

  #write(text: string): void {
    for (const each of this.#options.deliver?.(text) ?? [text]) this.write(each)
  }

  #next(): string | undefined {
    for (const place of [...this.#places.values()]) {
      this.#advance(place)
      const text = this.#out.shift()
      if (text !== undefined) return text
    }
    return undefined
  }

  /** One step for one job. */
  #advance(place: Place): void {
    const { jobs, owner } = this.#options
    const { job } = place
    const behind = job.seq - place.seq
    // Those that are kept are contiguous.
    const event = job.events[place.seq + 1 - (job.events[0]?.seq ?? Number.POSITIVE_INFINITY)]
    if (!exists(jobs, job.id, owner)) {
      this.#forget(place)
      this.#sayGone(job.id)
    } else if (behind === 0) this.#arrived(place)
    else if (!event) this.#saySnapshot(place, 'The events after the cursor are no longer kept.')
    else if (behind > farBehindEvents) this.#saySnapshot(place, 'Events came faster than they were read.')
    else {
      place.seq++
      this.#out.push(eventText(event))
    }
  }

  /** It has all there is just now. */
  #arrived(place: Place): void {
    const { job, log } = place
    const size = job.logs.get(job.attempt)?.length ?? 0
    if (size !== (log.attempt === job.attempt ? log.size : 0)) {
      place.log = { attempt: job.attempt, size }
      this.#say(place, 'log', { attempt: job.attempt, size }, { withId: false })
      return
    }
    if (isFinal(stateOf(job))) {
      this.#say(place, 'end', { status: job.status }, { at: job.updatedAt })
      this.#forget(place)
    } else if (this.#options.many && !place.isMarked) {
      place.isMarked = true
      this.#say(place, 'bookmark', {})
    }
  }

  #saySnapshot(place: Place, reset: string | null): void {
    const { job } = place
    place.seq = job.seq
    place.isMarked = false
    place.log = { attempt: job.attempt, size: 0 }
    const at = job.updatedAt
    if (reset !== null) this.#say(place, 'reset', { reason: reset }, { at, withId: false })
    this.#say(place, 'job', this.#options.jobs.job(job.id), { at })
  }

  /** The same whether it never was, was removed, or is somebody else's. */
  #sayGone(jobId: string): void {
    if (!this.#options.many) return
    const data = { reason: noSuchJob().message }
    const { generation } = this.#options.jobs
    const event = { job_id: jobId, generation, seq: 0, at: this.#now(), type: 'gone', data } as const
    this.#out.push(eventText(event, false))
  }

  #say<Type extends WireEvent['type']>(
    { job, seq }: Place,
    type: Type,
    data: Extract<WireEvent, { type: Type }>['data'],
    { at = this.#now(), withId = true } = {},
  ): void {
    const { generation } = this.#options.jobs
    const event = { job_id: job.id, generation, seq, at, type, data } as WireEvent
    this.#out.push(eventText(event, withId))
  }

  #heartbeat(): void {
    this.#cancelHeartbeat = this.#options.clock.setTimer(() => {
      if (this.#isOver) return
      this.#out.push(here)
      this.#heartbeat()
      this.#pump()
    }, heartbeatSeconds * 1000)
  }

  #bookmark(): void {
    this.#cancelBookmark = this.#options.clock.setTimer(() => {
      for (const place of this.#places.values()) place.isMarked = false
      this.#bookmark()
      this.#pump()
    }, bookmarkSeconds * 1000)
  }

  #forget(place: Place): void {
    place.leave()
    this.#places.delete(place.job.id)
  }

  #leave(): void {
    this.#isOver = true
    this.#cancelHeartbeat()
    this.#cancelBookmark()
    for (const place of [...this.#places.values()]) this.#forget(place)
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString()
  }
}

export function eventText(event: WireEvent, withId = true): string {
  const id = withId ? `id: ${event.generation}.${event.seq}\n` : ''
  return `${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

function exists(jobs: MockJobs, jobId: string, owner: string | null): boolean {
  try {
    jobs.record(jobId, owner)
    return true
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}
