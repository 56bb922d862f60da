import type { TrainingClient } from '../client/createTrainingClient'
import { read } from '../client/read'
import { type Result, resultOf } from '../client/result'
import type { TrainingError } from '../errors/trainingError'
import type { Template } from '../protocol'
import { readCapabilitiesAnswer } from '../protocol/read'

/** What `getCapabilities` takes. */
export interface GetCapabilitiesParameters {
  signal?: AbortSignal | undefined
}
/** `protocol`: the protocol's version. `templates`: what `startJob` can start, with its parameters. */
export type GetCapabilitiesResult = Result<{
  protocol: number
  server: { name: string; version: string }
  templates: Template[]
}>
/** Why the server's capabilities could not be read. */
export type GetCapabilitiesError = TrainingError

/** Asks what this training server can do. What can be done with one job is in `job.capabilities`. */
export function getCapabilities(
  client: TrainingClient,
  { signal }: GetCapabilitiesParameters = {},
): Promise<GetCapabilitiesResult> {
  return resultOf(async () => {
    const answer = await read(client, { name: 'getCapabilities' }, readCapabilitiesAnswer, signal)
    return { protocol: answer.protocol, server: answer.server, templates: answer.templates }
  })
}
