import { describe, expect, it } from 'vitest'
import { Turns } from './turns'

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

function workers(turns: Turns) {
  const running: string[] = []
  const finish = new Map<string, () => void>()
  const start = (name: string, signal = new AbortController().signal) =>
    turns.take(signal, async () => {
      running.push(name)
      await new Promise<void>((resolve) => finish.set(name, resolve))
      return name
    })
  return { running, start, finish: (name: string) => finish.get(name)?.() }
}

describe('turns', () => {
  it('lets so many at once, and the others in the order in which they came', async () => {
    const { running, start, finish } = workers(new Turns(2))
    const all = ['a', 'b', 'c', 'd'].map((name) => start(name))
    await settle()
    expect(running).toEqual(['a', 'b'])
    finish('b')
    await settle()
    expect(running).toEqual(['a', 'b', 'c'])
    for (const name of ['a', 'c']) finish(name)
    await settle()
    finish('d')
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('passes over one who gave up while waiting, and goes on after one who failed', async () => {
    const turns = new Turns(1)
    const { running, start, finish } = workers(turns)
    const gaveUp = new AbortController()
    const failing = turns.take(new AbortController().signal, () => Promise.reject(new Error('no')))
    const left = start('left', gaveUp.signal)
    const next = start('next')
    gaveUp.abort()
    expect(await left).toBeNull()
    await expect(failing).rejects.toThrow('no')
    await settle()
    expect(running).toEqual(['next'])
    finish('next')
    expect(await next).toBe('next')
    expect(await start('late', gaveUp.signal)).toBeNull()
  })
})
