import { describe, expect, it } from 'vitest'
import { readText } from './readText'

function bodyOf(chunks: Iterable<Uint8Array>, onCancel = () => {}) {
  const iterator = chunks[Symbol.iterator]()
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { done, value } = iterator.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: onCancel,
    },
    { highWaterMark: 0 },
  )
}

describe('readText', () => {
  it('puts characters together that were split', async () => {
    const bytes = new TextEncoder().encode('Łódź 🚂')
    const single = [...bytes].map((byte) => Uint8Array.of(byte))
    expect(await readText(bodyOf(single), 100)).toEqual({ text: 'Łódź 🚂', complete: true })
  })

  it('takes what is just as large as it may be', async () => {
    expect(await readText(bodyOf([new Uint8Array(10)]), 10)).toMatchObject({ complete: true })
  })

  it('stops at its limit, even if the source neither ends nor heeds that it was let go', async () => {
    let pulled = 0
    function* endless() {
      for (;;) {
        pulled++
        yield new Uint8Array(1000).fill(120)
      }
    }
    let cancelled = false
    const body = bodyOf(endless(), () => {
      cancelled = true
      return new Promise<void>(() => {}) as never
    })
    const { text, complete } = await readText(body, 2500)
    expect([text.length, complete, pulled, cancelled]).toEqual([3000, false, 3, true])
  })
})
