import { screen, waitFor, within } from '@testing-library/react'
import { describe, expect, it } from 'vitest'
import { userEvent } from 'vitest/browser'
import { at, makeCommand } from '../testing/fixtures'
import { renderWith } from '../testing/render'
import { ScriptedServer } from '../testing/scriptedServer'
import { JobStatus } from './JobStatus'
import { StopTrainingButton } from './StopTrainingButton'

const wait = { timeout: 30_000 }

function page(server: ScriptedServer) {
  renderWith(
    server,
    <>
      <JobStatus jobId="job_1" />
      <StopTrainingButton jobId="job_1" />
    </>,
  )
  return screen.findByRole('button', { name: 'Stop training' })
}
const dialog = () => screen.findByRole('alertdialog', { name: 'Stop training?' })
const noDialog = () => waitFor(() => expect(document.querySelector('dialog')).toBeNull(), wait)
const focusOn = (name: string) =>
  waitFor(() => expect(document.activeElement).toHaveAccessibleName(name), wait)

describe('the stop dialog, in a browser', () => {
  it('can be worked by keyboard alone, from the first Tab to the end of the run', async () => {
    const server = new ScriptedServer()
    await page(server)
    await userEvent.keyboard('{Tab}')
    await focusOn('Stop training')
    await userEvent.keyboard('{Enter}')
    await dialog()
    await focusOn('Keep training')
    // The safe choice: pressing Enter once more does no harm, and brings one back to where one was.
    await userEvent.keyboard('{Enter}')
    await noDialog()
    await focusOn('Stop training')
    expect(server.controlCalls()).toHaveLength(0)

    await userEvent.keyboard(' ')
    const open = await dialog()
    await focusOn('Keep training')
    await userEvent.keyboard('{Tab}')
    await waitFor(
      () => expect(within(open).getByRole('button', { name: 'Stop training' })).toHaveFocus(),
      wait,
    )
    await userEvent.keyboard('{Enter}')
    await noDialog()
    await focusOn('Stopping…')
    expect(server.controlCalls()).toHaveLength(1)
    server.finish()
    await waitFor(() => expect(screen.queryByRole('button')).toBeNull(), wait)
    expect(screen.getByRole('status')).toHaveAttribute('data-status', 'cancelled')
  })

  it('is a modal alert dialog that says what it is about', async () => {
    const button = await page(new ScriptedServer())
    await userEvent.click(button)
    const open = await dialog()
    expect(open).toHaveAccessibleDescription(/A checkpoint will be saved first/)
    expect(open.matches(':modal')).toBe(true)
    // Whatever lies behind it can't be reached.
    for (let i = 0; i < 12; i++) {
      await userEvent.keyboard('{Tab}')
      expect(document.activeElement === document.body || open.contains(document.activeElement)).toBe(true)
    }
  })

  it('is not dismissed by a press outside of it', async () => {
    const button = await page(new ScriptedServer())
    await userEvent.click(button)
    const open = await dialog()
    await userEvent.click(open, { position: { x: -40, y: -40 }, force: true })
    expect(document.querySelector('dialog')?.open).toBe(true)
  })

  it('loses nothing to Escape while the stop is on its way', async () => {
    const server = new ScriptedServer()
    const release = server.holdBack('controlJob')
    const button = await page(server)
    await userEvent.click(button)
    await userEvent.click(within(await dialog()).getByRole('button', { name: 'Stop training' }))
    await within(await dialog()).findByRole('button', { name: 'Sending…' })
    await userEvent.keyboard('{Escape}')
    await userEvent.keyboard('{Escape}')
    await noDialog()
    // The button itself still says so, and a second press sends nothing.
    await focusOn('Sending…')
    await userEvent.keyboard('{Enter}')
    expect(document.querySelector('dialog')).toBeNull()
    release()
    await screen.findByRole('button', { name: 'Stopping…' })
    expect(server.controlCalls()).toHaveLength(1)
  })

  it('tells what went wrong beside the button, if the dialog was left by Escape before', async () => {
    const server = new ScriptedServer()
    const release = server.holdBack('controlJob')
    const button = await page(server)
    await userEvent.click(button)
    await userEvent.click(within(await dialog()).getByRole('button', { name: 'Stop training' }))
    await userEvent.keyboard('{Escape}')
    await noDialog()
    server.fail()
    release()
    expect(await screen.findByRole('alert')).toHaveTextContent(/can't be reached/)
    expect(screen.getByRole('button', { name: 'Stop training' })).not.toHaveAttribute('aria-disabled')
  })

  it('stays open when the server is away, says so, and works again when it is back', async () => {
    const server = new ScriptedServer()
    const button = await page(server)
    await userEvent.click(button)
    const open = within(await dialog())
    server.fail()
    await userEvent.click(open.getByRole('button', { name: 'Stop training' }))
    expect(await open.findByRole('alert')).toHaveTextContent(
      "The training server can't be reached, so nothing was changed. Try again in a moment.",
    )
    expect(open.getByRole('button', { name: 'Keep training' })).toBeVisible()
    server.failure = null
    await userEvent.click(open.getByRole('button', { name: 'Stop training' }))
    await noDialog()
    await screen.findByRole('button', { name: 'Stopping…' })
    expect(server.commands).toHaveLength(1)
  })

  it('does not send the form of a host that it stands in', async () => {
    const server = new ScriptedServer()
    let sent = 0
    renderWith(
      server,
      <form
        onSubmit={(event) => {
          event.preventDefault()
          sent += 1
        }}
      >
        <StopTrainingButton jobId="job_1" />
      </form>,
    )
    await userEvent.click(await screen.findByRole('button', { name: 'Stop training' }))
    const open = within(await dialog())
    await userEvent.fill(open.getByLabelText('Note'), 'enough')
    await userEvent.keyboard('{Enter}')
    await userEvent.click(open.getByRole('button', { name: 'Stop training' }))
    await screen.findByRole('button', { name: 'Stopping…' })
    expect(sent).toBe(0)
  })

  it('asks once more before a force, with the focus on waiting', async () => {
    const command = makeCommand({ deadline: at(-1) })
    const server = new ScriptedServer({ status: 'stopping', command })
    renderWith(server, <StopTrainingButton jobId="job_1" />)
    await userEvent.click(await screen.findByRole('button', { name: 'Force stop' }))
    await screen.findByRole('alertdialog', { name: 'Force stop?' })
    await focusOn('Keep waiting')
    await userEvent.keyboard('{Escape}')
    await noDialog()
    await focusOn('Force stop')
    expect(server.controlCalls()).toHaveLength(0)
  })
})
