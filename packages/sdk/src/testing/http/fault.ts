/** The calls of the protocol. `events` is a stream of one job, `events_of_many` that of a whole page. */
export type MockCallName =
  | 'control'
  | 'start'
  | 'jobs'
  | 'job'
  | 'events'
  | 'events_of_many'
  | 'metrics'
  | 'logs'
  | 'checkpoints'
  | 'commands'
  | 'command'
  | 'capabilities'
  | 'health'

/** What goes wrong with a call on its way. */
export type CallFault =
  /** No connection: nothing arrives, and it is known. */
  | { do: 'refuse' }
  /** The connection breaks before the server has the request, or when it has carried it out. The caller can't tell which. */
  | { do: 'lose_request' }
  | { do: 'lose_answer' }
  /** It is carried out, and no answer comes. */
  | { do: 'never_answer' }
  /** It is carried out at once, and the answer takes so long. */
  | { do: 'delay'; seconds: number }
  /** Something on the way sends it twice; the second answer comes through. */
  | { do: 'duplicate' }
  /** It arrives only after the next call has been carried out. */
  | { do: 'reorder' }
  /** The token is told to have expired. */
  | { do: 'expire_token' }
  /** Something else is answered: a 500, a proxy's page, half a JSON. `arrives`: it is carried out all the same; default false. */
  | {
      do: 'answer'
      status: number
      body?: string | object
      headers?: Record<string, string>
      arrives?: boolean
    }

/** What goes wrong with the events of a stream, after so many of them came through unharmed (default 0). */
export type StreamFault =
  /** The connection breaks; or a proxy closes it, without an error. */
  | { do: 'cut' | 'close'; afterEvents?: number }
  /** Nothing more comes through, not even a sign of life. */
  | { do: 'silence'; afterEvents?: number }
  /** Every `every`th event (default 2) never comes, comes twice, or comes after the one that follows it. */
  | { do: 'lose_events' | 'duplicate_events' | 'reorder_events'; every?: number; afterEvents?: number }
  /** Every event comes so much later. */
  | { do: 'delay_events'; seconds: number; afterEvents?: number }

/** Something that goes wrong: what, where, and how often. */
export type MockFault = (CallFault | StreamFault) & {
  /** Default: every call; for what goes wrong with events, every stream. */
  on?: MockCallName | readonly MockCallName[]
  /** Only where it is about this job. */
  jobId?: string
  /** So many calls, then it is over. Default 1; `Infinity`: until it is taken away. */
  times?: number
}

const ofStreams = [
  ...['cut', 'close', 'silence', 'lose_events', 'duplicate_events', 'reorder_events', 'delay_events'],
] as readonly string[]

export function isStreamFault(fault: MockFault): fault is MockFault & StreamFault {
  return ofStreams.includes(fault.do)
}
