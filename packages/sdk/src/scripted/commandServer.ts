import type { Command, WireJob } from '../protocol'
import { ManualClock } from './manualClock'
import { sampleCommand, wireJob } from './samples'
import { answer, cut, type Received, type Script, scriptedServer } from './scriptedServer'

/** What happens to one control call on its way: to the server, and back. */
export type Fate =
  | 'answered'
  | 'lost before'
  | 'lost after'
  | 'garbled after'
  | 'never answered'
  | { status: number; body: unknown; arrives?: boolean }

export interface CommandServerOptions {
  /** One for each control call; the last one stands for all that follow. */
  fates?: Fate[]
  /** Whether reads are answered, lost, or unknown to this server. */
  reads?: 'answered' | 'lost' | 'no such call'
  job?: Partial<WireJob>
}

/** A server that honours Idempotency-Keys, behind a network that does not honour anything. */
export async function commandServer({
  fates = ['answered'],
  reads = 'answered',
  job = {},
}: CommandServerOptions) {
  const commands: Command[] = []
  const controls: Received[] = []

  const apply = (received: Received): unknown => {
    const key = String(received.headers['idempotency-key'])
    const { action, mode = null, reason = null, note = null } = JSON.parse(received.body)
    let command = commands.find(({ idempotency_key }) => idempotency_key === key)
    if (!command) {
      const id = `cmd_${commands.length + 1}`
      command = sampleCommand({ id, action, mode, reason, note, idempotency_key: key, status: 'active' })
      commands.unshift(command)
    }
    const result = { outcome: 'accepted', command, job: current() }
    return { success: true, action, job_id: 'job_1', result }
  }
  const current = () => wireJob({ ...(commands[0] && { status: 'stopping', command: commands[0] }), ...job })

  const control: Script = (received, response) => {
    const fate = fates[Math.min(controls.push(received), fates.length) - 1] ?? 'answered'
    if (typeof fate === 'object') {
      if (fate.arrives) apply(received)
      return answer(response, fate.status, fate.body)
    }
    if (fate === 'lost before') return cut(response)
    const body = apply(received)
    if (fate === 'lost after') return cut(response)
    if (fate === 'garbled after') return void response.writeHead(200).end('<p>OK')
    if (fate === 'answered') return answer(response, 200, body)
  }
  const read: Script = (received, response) => {
    if (reads === 'lost') return cut(response)
    if (reads === 'no such call') return void response.writeHead(404).end('Not Found')
    if (received.path.endsWith('/commands')) return answer(response, 200, { success: true, commands })
    answer(response, 200, { success: true, job: current() })
  }

  const server = await scriptedServer((received, response) =>
    received.method === 'POST' ? control(received, response) : read(received, response),
  )
  /** The keys of all control calls that came in. */
  const keys = () => controls.map(({ headers }) => headers['idempotency-key'])
  return { ...server, commands, controls, keys, clock: new ManualClock() }
}
