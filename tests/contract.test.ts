import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { contract } from '../packages/sdk/src/scripted/contract'
import { onTheWire, transitions } from '../packages/sdk/src/testing/mock/states'
import { gatedServer, tooFast } from './contract/gatedServer'
import { root } from './training-stack'

it("the mock's state table is the training server's, cell by cell", () => {
  const printed = execFileSync(join(root, '.venv/bin/python'), [
    '-c',
    'import json; from trainstop.server.jobs.states import ON_THE_WIRE, TRANSITIONS;' +
      'print(json.dumps([TRANSITIONS, ON_THE_WIRE]))',
  ])
  expect([transitions, onTheWire]).toEqual(JSON.parse(printed.toString()))
})

contract('the training server', gatedServer, { cannotStage: [...tooFast] })
