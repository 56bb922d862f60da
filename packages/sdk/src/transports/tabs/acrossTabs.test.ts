import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { watchJobs } from '../../actions/watchJobs'
import { createTrainingClient } from '../../client/createTrainingClient'
import type { JobUpdate } from '../../client/jobUpdate'
import { trainingError } from '../../errors/trainingError'
import { FaultyServer } from '../../scripted/faultyServer'
import { ManualClock } from '../../scripted/manualClock'
import { MemoryTabs } from '../../scripted/memoryTabs'
import { neverBack } from '../../scripted/neverBack'
import { http } from '../http/http'
import type { Transport } from '../transport'
import { acrossTabs } from './acrossTabs'
import type { TabChannel } from './tab'

const jobIds = ['job_1', 'job_2']

/** Everything that waits for no time has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A browser whose tabs watch jobs of one server. */
function browser(channel?: (name: string) => TabChannel) {
  const server = new FaultyServer(['job_1', 'job_2'])
  const clock = new ManualClock()
  const shared = new MemoryTabs()
  const mistakes: unknown[] = []
  const requests: { tab: string; to: string; body: string }[] = []
  const open = (tab: string, ids = jobIds, wrap = (transport: Transport) => transport) => {
    const own = shared.tab()
    const fetch: typeof globalThis.fetch = (input, init) => {
      const to = `${init?.method} ${new URL(String(input)).pathname.replace('/api/training', '')}`
      const cursor = new Headers(init?.headers).get('last-event-id')
      requests.push({ tab, to, body: String(init?.body ?? cursor) })
      return server.fetch(input, init)
    }
    const url = 'http://training.example/api/training'
    const transport = acrossTabs(wrap(http({ url, fetch, clock })), {
      ...{ name: 'u_1', locks: own.locks, channel: channel ?? own.channel, clock },
    })
    const client = createTrainingClient({ transport, clock })
    const latest = new Map<string, JobUpdate>()
    const events: string[] = []
    const ends: string[] = []
    const see = new Map(ids.map((id) => [id, neverBack(server.jobs.get(id)?.truths ?? [])]))
    let isOpen = true
    const leave = watchJobs(client, {
      jobIds: ids,
      onUpdate(update) {
        if (!isOpen) return
        latest.set(update.jobId, update)
        if (update.event) events.push(`${update.jobId} ${update.event.type} ${update.event.seq}`)
        try {
          see.get(update.jobId)?.(update.job)
        } catch (mistake) {
          mistakes.push(mistake)
        }
      },
      onJobEnd: (jobId, error) => ends.push(`${jobId} ${error?.code ?? 'final'}`),
    })
    return {
      ...{ tab, latest, events, ends, ids, transport, hang: own.hang },
      close() {
        isOpen = false
        leave()
      },
      crash() {
        isOpen = false
        own.crash()
        leave()
      },
    }
  }
  const pass = async (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= 5000) {
      clock.advance(Math.min(5000, left))
      await settled()
      server.beat()
      await settled()
    }
  }
  const isTrue = (tab: ReturnType<typeof open>) => {
    for (const id of tab.ids) {
      expect(tab.latest.get(id)?.job, `${tab.tab}, ${id}`).toEqual(server.jobs.get(id)?.truths.at(-1))
      expect(tab.latest.get(id), `${tab.tab}, ${id}`).toMatchObject({
        error: null,
        connection: { stale: false },
      })
    }
  }
  return { server, clock, open, pass, isTrue, requests, mistakes }
}

describe('tabs of one browser', () => {
  it('watch through one of them, however many there are', async () => {
    const { open, server, isTrue, requests, mistakes } = browser()
    const tabs = []
    for (const name of ['a', 'b', 'c']) {
      tabs.push(open(name))
      await settled()
      server.happen('job_1', 'metrics')
      server.happen('job_2', 'status')
      await settled()
    }
    for (const tab of tabs) isTrue(tab)
    expect(requests).toMatchObject([{ tab: 'a', to: 'POST /events' }])
    expect(tabs[1]?.latest.get('job_1')?.connection).toEqual(tabs[0]?.latest.get('job_1')?.connection)
    // A latecomer sees how it is, and then the same as the others.
    expect(tabs[2]?.events).toEqual(['job_1 job 3', 'job_2 job 3', 'job_1 metrics 4', 'job_2 job 4'])
    expect(mistakes).toEqual([])
  })

  it.each(['close', 'crash'] as const)(
    'go on without a gap or a double when the one that watches has a %s',
    async (way) => {
      const { open, server, isTrue, requests, mistakes } = browser()
      const [first, second, third] = [open('a'), open('b'), open('c')]
      await settled()
      server.happen('job_1', 'status')
      await settled()
      first[way]()
      // Told to nobody: whoever takes over asks for it.
      server.happen('job_1', 'metrics')
      await settled()
      server.happen('job_1', 'command')
      await settled()
      const events = ['job_1 job 2', 'job_1 metrics 3', 'job_1 command 4']
      for (const tab of [second, third]) {
        isTrue(tab)
        expect(tab.events.filter((event) => event.startsWith('job_1')).slice(-3)).toEqual(events)
        expect(tab.events.join()).not.toContain('reset')
      }
      const streams = requests.filter(({ to }) => to === 'POST /events')
      expect(streams.map(({ tab }) => tab)).toEqual(['a', 'b'])
      expect(JSON.parse(streams[1]?.body ?? '')).toEqual({ jobs: { job_1: '1.2', job_2: '1.1' } })
      expect(mistakes).toEqual([])
    },
  )

  it('watch for themselves where the one that watches hangs, and no longer once it is back', async () => {
    const { open, server, isTrue, requests, pass, mistakes } = browser()
    const [first, second] = [open('a'), open('b')]
    await settled()
    first.hang()
    server.happen('job_1', 'status')
    await settled()
    expect(second.latest.get('job_1')?.job?.seq).toBe(1)
    await pass(35_000)
    isTrue(second)
    expect(requests.map(({ tab }) => tab)).toEqual(['a', 'b'])
    first.hang(false)
    await pass(15_000)
    server.happen('job_1', 'metrics')
    await settled()
    for (const tab of [first, second]) isTrue(tab)
    expect(requests).toHaveLength(2)
    // No stream of its own is left: the server cuts all there are, and one comes back.
    server.streamFaults = ['cut', 'cut']
    server.happen('job_1', 'metrics')
    await pass(20_000)
    expect(requests.slice(2).every(({ tab }) => tab === 'a')).toBe(true)
    for (const tab of [first, second]) isTrue(tab)
    expect(mistakes).toEqual([])
  })

  it('hear anew what they missed, however little it was', async () => {
    const { open, server, isTrue, pass } = browser()
    const [, second] = [open('a'), open('b')]
    await settled()
    second.hang()
    server.happen('job_1', 'status')
    await settled()
    second.hang(false)
    server.happen('job_1', 'metrics')
    await settled()
    isTrue(second)
    expect(second.events.slice(-2)).toEqual(['job_1 reset 1', 'job_1 job 3'])
    // Also where nothing comes after it but a sign of life.
    second.hang()
    server.happen('job_1', 'status')
    await settled()
    second.hang(false)
    await pass(10_000)
    isTrue(second)
  })

  it('do not wait for one that hangs already when they open', async () => {
    const { open, isTrue, pass } = browser()
    const first = open('a')
    await settled()
    first.hang()
    const second = open('b')
    await settled()
    await pass(3000)
    isTrue(second)
  })

  it('ask for themselves what another tab was refused', async () => {
    const { open, server, isTrue, pass } = browser()
    const refused = (transport: Transport): Transport => ({
      ...transport,
      subscribe({ observer }) {
        queueMicrotask(() => observer.end(trainingError('forbidden', { status: 403 })))
        return () => {}
      },
    })
    const first = open('a', ['job_1'], refused)
    const second = open('b', ['job_1'])
    await settled()
    expect(first.ends).toEqual(['job_1 forbidden'])
    server.happen('job_1', 'status')
    await pass(40_000)
    isTrue(second)
    expect(second.ends).toEqual([])
  })

  it('watch also what only another of them shows, and no longer once that is gone', async () => {
    const { open, server, isTrue, requests, pass } = browser()
    const first = open('a', ['job_1'])
    await settled()
    const second = open('b', ['job_2'])
    await settled()
    server.happen('job_2', 'status')
    await settled()
    isTrue(second)
    expect(requests.map(({ tab }) => tab)).toEqual(['a', 'a'])
    second.crash()
    await pass(25_000)
    server.streamFaults = ['cut']
    server.happen('job_1', 'metrics')
    await pass(10_000)
    isTrue(first)
    expect(requests.at(-1)).toMatchObject({ tab: 'a', to: 'GET /jobs/job_1/events' })
  })

  it.each(['navigator', 'BroadcastChannel'])(
    'each watch for themselves in a browser without %s',
    (absent) => {
      vi.stubGlobal('navigator', { locks: new MemoryTabs().tab().locks })
      const transport = http({ url: '/api/training' })
      expect(acrossTabs(transport, { name: 'u_1' })).not.toBe(transport)
      vi.stubGlobal(absent, undefined)
      expect(acrossTabs(transport, { name: 'u_1' })).toBe(transport)
    },
  )

  it("hear each other through the platform's own BroadcastChannel", async () => {
    const name = `test ${Math.random()}`
    const opened: TabChannel[] = []
    const { open, server, isTrue, requests } = browser(() => {
      const channel = new BroadcastChannel(name) as unknown as TabChannel
      opened.push(channel)
      return channel
    })
    const first = open('a')
    await settled()
    const second = open('b')
    const until = async (holds: () => boolean) => {
      while (!holds()) await new Promise<void>((resolve) => setImmediate(resolve))
    }
    await until(() => second.latest.get('job_2')?.job?.seq === 1)
    server.happen('job_1', 'status')
    await until(() => second.latest.get('job_1')?.job?.seq === 2)
    for (const tab of [first, second]) isTrue(tab)
    expect(requests).toHaveLength(1)
    for (const tab of [first, second]) tab.close()
    await settled()
    for (const channel of opened) channel.close()
  })

  it('never go back and come to what is true, whoever opens, closes, crashes and hangs', async () => {
    const names = ['a', 'b', 'c']
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.tuple(fc.constant('happen'), fc.constantFrom('status', 'metrics', 'command')),
      },
      {
        weight: 4,
        arbitrary: fc.tuple(
          fc.constantFrom('open', 'close', 'crash', 'hang', 'wake'),
          fc.constantFrom(...names),
        ),
      },
      { weight: 2, arbitrary: fc.tuple(fc.constant('pass'), fc.constantFrom('0', '3000', '11000', '31000')) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constant('fault'), fc.constantFrom('cut', 'garbled', 'twice', 'late')),
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50, size: 'max' }), async (steps) => {
        const { open, server, pass, isTrue, mistakes, clock } = browser()
        const tabs = new Map<string, ReturnType<typeof open>>()
        for (const [what, which] of steps) {
          const tab = tabs.get(which)
          if (what === 'open' && !tab) tabs.set(which, open(which))
          else if (what === 'close') tab?.close()
          else if (what === 'crash') tab?.crash()
          else if (what === 'hang') tab?.hang()
          else if (what === 'wake') tab?.hang(false)
          else if (what === 'pass') await pass(Number(which))
          else if (what === 'fault') server.streamFaults.push(which as 'cut')
          else if (what === 'happen') server.happen('job_1', which as 'status')
          if (what === 'close' || what === 'crash') tabs.delete(which)
          if (what !== 'pass') await settled()
        }
        server.streamFaults = []
        for (const tab of tabs.values()) tab.hang(false)
        await pass(60_000)
        if (mistakes.length > 0) throw mistakes[0]
        for (const tab of tabs.values()) isTrue(tab)
        for (const tab of tabs.values()) tab.close()
        await settled()
        expect(clock.running).toEqual([])
      }),
      { numRuns: 150 },
    )
  }, 120_000)
})
