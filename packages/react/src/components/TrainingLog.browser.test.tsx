import { screen, waitFor } from '@testing-library/react'
import { expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { renderWith } from '../testing/render'
import { ScriptedServer } from '../testing/scriptedServer'
import { TrainingLog } from './TrainingLog'

const wait = { timeout: 30_000 }
const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}\n`).join('')

async function shown(server: ScriptedServer, keepLines?: number) {
  renderWith(server, <TrainingLog jobId="job_1" keepLines={keepLines} />)
  const view = await screen.findByRole('log', { name: 'Training log' })
  const atEnd = () => view.scrollHeight - view.scrollTop - view.clientHeight <= 8
  return { view, atEnd, text: () => view.textContent ?? '' }
}

it('follows the end as lines come', async () => {
  const server = new ScriptedServer()
  server.log = lines(1, 500)
  const { atEnd, text } = await shown(server)
  await waitFor(() => expect(text()).toContain('line 500'), wait)
  await waitFor(() => expect(atEnd()).toBe(true), wait)
  server.print(lines(501, 900))
  await waitFor(() => expect(text()).toContain('line 900'), wait)
  await waitFor(() => expect(atEnd()).toBe(true), wait)
  expect(screen.queryByRole('button')).toBeNull()
})

it('shows its last lines also when it was out of sight, and as wide as another, while they came', async () => {
  const server = new ScriptedServer()
  server.log = lines(1, 40)
  renderWith(
    server,
    <>
      <div style={{ height: '3000px' }} />
      <TrainingLog jobId="job_1" />
    </>,
  )
  const view = await screen.findByRole('log', { name: 'Training log' })
  await waitFor(() => expect(view).toHaveTextContent('line 40'), wait)
  await page.viewport(320, 700)
  const last = view.querySelector('[data-line]:last-child') as HTMLElement
  await waitFor(() => {
    const { top, bottom } = last.getBoundingClientRect()
    const box = view.getBoundingClientRect()
    expect(top).toBeGreaterThanOrEqual(box.top)
    expect(bottom).toBeLessThanOrEqual(box.bottom + 1)
  }, wait)
  await page.viewport(1024, 768)
})

it('stays where one reads after scrolling up, counts what is new, and jumps back to the end', async () => {
  const server = new ScriptedServer()
  server.log = lines(1, 500)
  const { view, atEnd, text } = await shown(server)
  await waitFor(() => expect(text()).toContain('line 500'), wait)
  await waitFor(() => expect(atEnd()).toBe(true), wait)
  view.focus()
  await userEvent.keyboard('{PageUp}')
  const jump = await screen.findByRole('button', { name: /Jump to end/ })
  server.print(lines(501, 520))
  await waitFor(() => expect(jump).toHaveTextContent('20 new lines'), wait)
  expect(atEnd()).toBe(false)
  await userEvent.click(jump)
  await waitFor(() => expect(atEnd()).toBe(true), wait)
  expect(screen.queryByRole('button')).toBeNull()
  expect(view).toHaveFocus()
  server.print(lines(521, 530))
  await waitFor(() => expect(text()).toContain('line 530'), wait)
  await waitFor(() => expect(atEnd()).toBe(true), wait)
})

it('keeps only the last lines, and says so', async () => {
  const server = new ScriptedServer()
  const { view, text } = await shown(server, 300)
  for (let from = 1; from <= 3000; from += 100) server.print(lines(from, from + 99))
  await waitFor(() => expect(text()).toContain('line 3000'), wait)
  expect(text()).toContain('Earlier lines are not shown.')
  expect(view.querySelectorAll('[data-line]').length).toBeLessThanOrEqual(500)
})

it('shows colours, and lets nothing else that a program prints have an effect', async () => {
  const server = new ScriptedServer()
  const { view, text } = await shown(server)
  const evil = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'
  server.print(`\u001b[31mred\u001b[0m \u001b]0;owned\u0007\u001b[2J${evil}\n`)
  await waitFor(() => expect(text()).toContain(evil), wait)
  expect(view.querySelector('img, script')).toBeNull()
  expect(document.title).not.toBe('owned')
  const red = view.querySelector<HTMLElement>('[data-color="red"]')
  expect(red).toHaveTextContent('red')
  expect(getComputedStyle(red as HTMLElement).color).not.toBe(getComputedStyle(view).color)
})
