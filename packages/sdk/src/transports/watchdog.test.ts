import { describe, expect, it } from 'vitest'
import { ManualClock } from '../scripted/manualClock'
import { wait } from './wait'
import { watchdog } from './watchdog'

const never = new Promise<never>(() => {})

describe('watchdog', () => {
  it('ends what takes too long, even if that does not heed its signal', async () => {
    const clock = new ManualClock()
    const watch = watchdog(clock, undefined, 5)
    const guarded = watch.guard(never).catch(() => 'ended')
    clock.advance(4999)
    expect(watch.signal.aborted).toBe(false)
    clock.advance(1)
    expect(await guarded).toBe('ended')
    expect(watch.timedOut).toBe(true)
    expect(clock.running).toEqual([])
  })

  it('lives as long as it is fed', () => {
    const clock = new ManualClock()
    const watch = watchdog(clock, undefined, 5)
    for (let i = 0; i < 10; i++) {
      clock.advance(4000)
      watch.feed(5)
    }
    expect(watch.signal.aborted).toBe(false)
    watch.release()
    clock.advance(60_000)
    expect(watch.signal.aborted).toBe(false)
  })

  it("ends with its caller's signal, which is no time-out", async () => {
    const clock = new ManualClock()
    const outer = new AbortController()
    const watch = watchdog(clock, outer.signal, 5)
    const guarded = watch.guard(never).catch(() => 'ended')
    outer.abort()
    expect(await guarded).toBe('ended')
    expect(watch.timedOut).toBe(false)
    expect(clock.running).toEqual([])
    expect(watchdog(clock, outer.signal, 5).signal.aborted).toBe(true)
  })

  it('is not in the way of what ends in time', async () => {
    const watch = watchdog(new ManualClock(), undefined, 5)
    await expect(watch.guard(Promise.resolve(7))).resolves.toBe(7)
    await expect(watch.guard(Promise.reject(new Error('own')))).rejects.toThrow('own')
  })
})

describe('wait', () => {
  it('ends with its time or its signal, and leaves no timer behind', async () => {
    const clock = new ManualClock()
    const first = wait(clock, 1000, undefined)
    clock.advance(1000)
    await first
    const abort = new AbortController()
    const second = wait(clock, 1000, abort.signal)
    abort.abort()
    await second
    await wait(clock, 1000, abort.signal)
    expect(clock.running).toEqual([])
  })
})
