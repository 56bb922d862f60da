import { expect, it, vi } from 'vitest'
import { VirtualClock } from './virtualClock'

it('stands until it is told to move, and fires what is due on the way, in order', () => {
  const clock = new VirtualClock({ start: 0 })
  const fired: number[] = []
  for (const after of [300, 100, 200]) clock.setTimer(() => fired.push(clock.now()), after)
  const cancel = clock.setTimer(() => fired.push(-1), 150)
  cancel()
  clock.advance(250)
  expect(fired).toEqual([100, 200])
  expect([clock.now(), clock.running]).toEqual([250, [300]])
})

it('lets whoever waits on the way act before the next timer fires', async () => {
  const clock = new VirtualClock({ start: 0 })
  const seen: number[] = []
  const wait = (milliseconds: number) => new Promise<void>((resolve) => clock.setTimer(resolve, milliseconds))
  const walk = async () => {
    for (let step = 0; step < 3; step++) {
      await wait(1000)
      seen.push(clock.now())
    }
  }
  const walking = walk()
  await clock.play(10)
  await walking
  expect(seen).toEqual([1000, 2000, 3000])
  expect(clock.now()).toBe(10_000)
})

it('goes its own way where the global timers are fake', async () => {
  vi.useFakeTimers()
  try {
    const clock = new VirtualClock()
    let rang = false
    clock.setTimer(() => {
      rang = true
    }, 5000)
    await clock.play(5)
    expect(rang).toBe(true)
  } finally {
    vi.useRealTimers()
  }
})

it('keeps no timer for what never comes, and takes no time that is none', () => {
  const clock = new VirtualClock()
  clock.setTimer(() => {}, Number.POSITIVE_INFINITY)
  expect(clock.running).toEqual([])
  expect(() => new VirtualClock({ start: 'yesterday' })).toThrow('yesterday is no time')
})
