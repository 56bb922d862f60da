import { describe, expect, expectTypeOf, it } from 'vitest'
import { createTrainingClient } from '../client/createTrainingClient'
import type { Template } from '../protocol'
import { vector } from '../scripted/samples'
import { answer, scriptedServer } from '../scripted/scriptedServer'
import { http } from '../transports/http/http'
import { type GetCapabilitiesResult, getCapabilities } from './getCapabilities'

describe('getCapabilities', () => {
  it('tells what can be started', async () => {
    const { success: _, ...capabilities } = vector<{ success: true }>('CapabilitiesAnswer')
    const server = await scriptedServer((_, response) =>
      answer(response, 200, { success: true, ...capabilities }),
    )
    const client = createTrainingClient({ transport: http({ url: server.url }) })
    expect(await getCapabilities(client)).toEqual({ ok: true, ...capabilities })
  })

  it('has types', () => {
    expectTypeOf<Extract<GetCapabilitiesResult, { ok: true }>['templates']>().toEqualTypeOf<Template[]>()
  })
})
