import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServerChecksOptions, serverChecks } from '../testing/conformance/serverChecks'
import type { ServerUnderTest } from '../testing/conformance/serverUnderTest'
import { jobStates } from '../testing/mock/states'

/** The server, and how to end it. */
export type MadeServer = ServerUnderTest & { end?: () => Promise<void> }

/**
 * What the mock and the real server both must do, so that neither drifts from the other. `cannotStage`: states that this
 * server can't be kept in; all others are checked.
 */
export function contract(
  name: string,
  makeServer: () => Promise<MadeServer>,
  { cannotStage = [], ...options }: ServerChecksOptions & { cannotStage?: (typeof jobStates)[number][] } = {},
): void {
  describe(`${name}: the contract`, () => {
    let made: MadeServer | null = null
    beforeAll(async () => {
      made = await makeServer()
    })
    afterAll(async () => made?.end?.())

    const staged = jobStates.filter((state) => !cannotStage.includes(state))
    it('can be brought into every state but those that it cannot be kept in', () => {
      expect(Object.keys(made?.stages ?? {}).sort()).toEqual([...staged].sort())
    })

    // Which checks there are is known before the server is there.
    const never = async () => ''
    const nothing = async () => {}
    const outline: ServerUnderTest = {
      ...{ url: '', obey: nothing, finish: nothing, owners: { mine: {}, theirs: {} } },
      start: { request: { template: 'any' } },
      stages: Object.fromEntries(staged.map((state) => [state, never])),
    }
    for (const { name: check } of serverChecks(outline, options))
      it(check, async () => {
        if (!made) throw new Error('The server was not made.')
        const found = serverChecks(made, options).find((each) => each.name === check)
        if (!found) throw new Error(`The server lacks what this check needs: ${check}.`)
        await found.run()
      })
  })
}
