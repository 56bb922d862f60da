import type { TrainingClient } from '../client/createTrainingClient'
import type { JobUpdate } from '../client/jobUpdate'
import { assertCommandId, assertJobId, read } from '../client/read'
import { type Result, resultOf } from '../client/result'
import { isTrainingError, type TrainingError, trainingError } from '../errors/trainingError'
import type { Command, Job } from '../protocol'
import { readCommandAnswer } from '../protocol/read'
import { wait } from '../transports/wait'
import { type Watchdog, watchdog } from '../transports/watchdog'
import { watchJob } from './watchJob'

/** Which command is waited for, and for how long. */
export interface WaitForCommandParameters {
  /** The job that the command is about: `command.job_id`. */
  jobId: string
  commandId: string
  /** Seconds to wait at most; then the error is `timeout`, and the command goes on. Default: as long as it takes. */
  timeoutSeconds?: number | undefined
  /** Ends the waiting. It does not take the command back. */
  signal?: AbortSignal | undefined
}
/** The command as it ended: `succeeded`, `failed`, `superseded` or `expired`, with every receipt. */
export type WaitForCommandResult = Result<{ command: Command }>
/** Why the end of the command is not known. */
export type WaitForCommandError = TrainingError

/** What timers can hold, about 23 days. */
const asLongAsItTakes = 2_000_000
/** While the job is watched, this is only for a watch that misses something. */
const lookAgainSeconds = { watched: 20, unwatched: 3 }

/**
 * Waits until a command has ended: a stop until it is proven that the run is gone, a pause until it is parked. Watches
 * the job with whoever else does. A server that is away meanwhile is waited for.
 */
export function waitForCommand(
  client: TrainingClient,
  { jobId, commandId, timeoutSeconds = asLongAsItTakes, signal }: WaitForCommandParameters,
): Promise<WaitForCommandResult> {
  return resultOf(async () => {
    assertJobId(jobId)
    assertCommandId(commandId)
    const watch = watchdog(client.clock, signal, timeoutSeconds)
    const ending = new CommandEnd(commandId)
    const leave = watchJob(client, { jobId, onUpdate: ending.see, onEnd: ending.endWatch })
    try {
      return { command: await Promise.race([ending.told, look(client, jobId, ending, watch)]) }
    } catch (error) {
      if (!watch.timedOut) throw error
      const message = `The command has not ended within ${timeoutSeconds} seconds. It goes on.`
      throw trainingError('timeout', { message, timeoutSeconds, limit: 'command', arrived: 'no' })
    } finally {
      leave()
      watch.abort()
    }
  })
}

/** Reads the command until it has ended: at first, whenever the watch shows that it may have, and now and then. */
async function look(
  client: TrainingClient,
  jobId: string,
  ending: CommandEnd,
  watch: Watchdog,
): Promise<Command> {
  const { commandId } = ending
  const { signal } = watch
  let unreadable: TrainingError | null = null
  for (;;) {
    if (!unreadable) {
      try {
        const { command } = await read(
          client,
          { name: 'getCommand', jobId, commandId },
          readCommandAnswer,
          signal,
        )
        if (command.status !== 'active') return command
      } catch (error) {
        if (!isTrainingError(error)) throw error
        if (error.code === 'not_supported') unreadable = error
        else if (!isPassing(error)) throw error
      }
    }
    // A server that can't be asked for a command may still tell of the one that is under way.
    if (unreadable && ending.isOutOfSight) throw unreadable
    const seconds = ending.isWatched ? lookAgainSeconds.watched : lookAgainSeconds.unwatched
    const over = new AbortController()
    const milliseconds = seconds * 1000 * (0.75 + client.clock.random() / 2)
    const stop = () => over.abort()
    signal.addEventListener('abort', stop)
    ending.onNews(stop)
    await wait(client.clock, milliseconds, over.signal)
    signal.removeEventListener('abort', stop)
    if (signal.aborted) throw trainingError('aborted', { arrived: 'no', cause: signal.reason })
  }
}

/** What watching the job tells of a command. */
class CommandEnd {
  readonly commandId: string
  /** Resolves once the watch has shown the command as it ended. */
  readonly told: Promise<Command>
  isWatched = true
  #tell: (command: Command) => void = () => {}
  #job: Job | null = null
  #onNews: () => void = nobody
  #hasNews = false

  constructor(commandId: string) {
    this.commandId = commandId
    this.told = new Promise((resolve) => {
      this.#tell = resolve
    })
  }

  /** The job is known, or no longer watched, and this command is not the one under way. */
  get isOutOfSight(): boolean {
    return !this.isWatched || (this.#job !== null && this.#job.command?.id !== this.commandId)
  }

  readonly see = ({ job, event }: JobUpdate): void => {
    const candidates = [event?.type === 'command' ? event.data : null, job?.command, job?.last_command]
    const ended = candidates.find((command) => command?.id === this.commandId && command.status !== 'active')
    if (ended) this.#tell(ended)
    const isNew = job !== null && job.status_version !== this.#job?.status_version
    this.#job = job
    if (isNew && this.isOutOfSight) this.#news()
  }

  readonly endWatch = (): void => {
    this.isWatched = false
    this.#news()
  }

  /** Calls back once, at the next news or at those that were not yet asked for. */
  onNews(callback: () => void): void {
    this.#onNews = callback
    if (this.#hasNews) this.#news()
  }

  #news(): void {
    const callback = this.#onNews
    this.#hasNews = callback === nobody
    this.#onNews = nobody
    callback()
  }
}

function nobody(): void {}

/** What waiting may mend. */
function isPassing({ code }: TrainingError): boolean {
  switch (code) {
    case 'server_unreachable':
    case 'not_sent':
    case 'timeout':
    case 'rate_limited':
    case 'internal':
      return true
    default:
      return false
  }
}
