import { expect, it, vi } from 'vitest'
import { ScriptedServer } from '../testing/scriptedServer'
import { logStoreOf } from './logStore'

const wait = { timeout: 30_000 }

function follow(server: ScriptedServer, keepLines = 1000) {
  const store = logStoreOf(server.client, 'job_1', keepLines)
  store.subscribe(() => {})
  const text = () =>
    store
      .getSnapshot()
      .chunks.flatMap(({ lines }) => lines.map(({ spans }) => spans.map((span) => span.text).join('')))
      .join('\n')
  return { store, text }
}
const logReads = (server: ScriptedServer) => server.calls.filter(({ name }) => name === 'getLogs')

it('reads on from where it was, whenever it is told that there is more', async () => {
  const server = new ScriptedServer()
  server.print('one\n')
  const { text } = follow(server)
  await vi.waitFor(() => expect(text()).toBe('one'), wait)
  server.print('two\n')
  await vi.waitFor(() => expect(text()).toBe('one\ntwo'), wait)
  server.print('three\n')
  server.print('four\n')
  await vi.waitFor(() => expect(text()).toBe('one\ntwo\nthree\nfour'), wait)
  expect(
    logReads(server)
      .slice(1)
      .every((call) => 'offset' in call && (call.offset ?? -1) > 0),
  ).toBe(true)
})

it('does not ask for what it has', async () => {
  const server = new ScriptedServer()
  server.print('one\n')
  const { text } = follow(server)
  await vi.waitFor(() => expect(text()).toBe('one'), wait)
  server.print('two\n')
  await vi.waitFor(() => expect(text()).toBe('one\ntwo'), wait)
  const before = logReads(server).length
  for (let i = 0; i < 20; i++) server.print('')
  server.print('three\n')
  await vi.waitFor(() => expect(text()).toBe('one\ntwo\nthree'), wait)
  expect(logReads(server).length).toBeLessThanOrEqual(before + 2)
})

it('begins near the end of a long log, with a whole line', async () => {
  const server = new ScriptedServer()
  server.log = Array.from({ length: 5000 }, (_, i) => `line ${i} ${'x'.repeat(40)}\n`).join('')
  const { store, text } = follow(server, 10)
  await vi.waitFor(() => expect(store.getSnapshot().isLoading).toBe(false), wait)
  expect(text()).toMatch(/^line \d+ x+\n/)
  expect(text()).toContain('line 4999')
  expect(store.getSnapshot().skippedBytes).toBeGreaterThan(200_000)
})

it('begins anew with the log of the next attempt', async () => {
  const server = new ScriptedServer()
  server.print('first attempt\n')
  const { store, text } = follow(server)
  await vi.waitFor(() => expect(text()).toBe('first attempt'), wait)
  server.log = ''
  server.change({ attempt: 2, status: 'pending' })
  server.print('second\n')
  await vi.waitFor(() => expect(text()).toBe('second'), wait)
  expect(store.getSnapshot().attempt).toBe(2)
})

it('tells why it could not read, and goes on by itself when the server is back', async () => {
  const server = new ScriptedServer()
  server.print('one\n')
  server.fail()
  const { store, text } = follow(server)
  await vi.waitFor(() => expect(store.getSnapshot().error?.code).toBe('server_unreachable'), wait)
  server.failure = null
  await vi.waitFor(() => expect(text()).toBe('one'), wait)
  expect(store.getSnapshot().error).toBeNull()
})
