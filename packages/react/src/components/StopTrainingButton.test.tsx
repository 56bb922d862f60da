import { act, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { trainingError } from '@trainstop/sdk'
import { describe, expect, it } from 'vitest'
import { at, forbidden, makeCommand, makeJob, makeReceipt } from '../testing/fixtures'
import { renderWith } from '../testing/render'
import { ScriptedServer } from '../testing/scriptedServer'
import { StopTrainingButton } from './StopTrainingButton'

const stopButton = () => screen.findByRole('button', { name: 'Stop training' })

/** Renders the button and opens its dialog. */
async function opened(server = new ScriptedServer()) {
  const user = userEvent.setup()
  renderWith(server, <StopTrainingButton jobId="job_1" />)
  await user.click(await stopButton())
  const dialog = await screen.findByRole('alertdialog', { name: 'Stop training?' })
  return { server, user, dialog: within(dialog) }
}

describe('StopTrainingButton', () => {
  it.each(['pending', 'running', 'pausing', 'paused', 'hibernating'])(
    'is there while a run is %s',
    async (status) => {
      renderWith(new ScriptedServer({ status }), <StopTrainingButton jobId="job_1" />)
      expect(await stopButton()).toBeVisible()
    },
  )

  it.each(['cancelled', 'completed', 'failed'] as const)('goes when the run is %s', async (status) => {
    const server = new ScriptedServer()
    renderWith(server, <StopTrainingButton jobId="job_1" />)
    await stopButton()
    act(() => server.finish(status))
    expect(screen.queryByRole('button')).not.toBeInTheDocument()
  })

  it('keeps the focus in its place when it goes, on what became of the run', async () => {
    const user = userEvent.setup()
    const server = new ScriptedServer()
    renderWith(
      server,
      <>
        <StopTrainingButton jobId="job_1" />
        <button type="button">Next</button>
      </>,
    )
    const button = await stopButton()
    button.focus()
    act(() => server.finish('cancelled'))
    expect(document.activeElement).toHaveTextContent(/^Cancelled$/)
    await user.tab()
    expect(screen.getByRole('button', { name: 'Next' })).toHaveFocus()
    expect(screen.queryByText('Cancelled')).not.toBeInTheDocument()
  })

  it('takes no focus from elsewhere when it goes', async () => {
    const server = new ScriptedServer()
    renderWith(server, <StopTrainingButton jobId="job_1" />)
    const button = await stopButton()
    button.focus()
    button.blur()
    act(() => server.finish('cancelled'))
    expect(document.body).toHaveFocus()
    expect(screen.queryByText('Cancelled')).not.toBeInTheDocument()
  })

  it('asks before it stops, and says what is kept', async () => {
    const { server, dialog } = await opened()
    expect(dialog.getByText('A checkpoint will be saved first.')).toBeVisible()
    expect(dialog.getByText(/Last checkpoint: step 300, 4\d s ago; 15 steps since then/)).toBeVisible()
    expect(server.controlCalls()).toHaveLength(0)
  })

  it('sends the stop with its reason and note, and says so until the run is over', async () => {
    const { server, user, dialog } = await opened()
    await user.selectOptions(dialog.getByLabelText('Reason'), 'Overfitting')
    await user.type(dialog.getByLabelText('Note'), ' rises since epoch 3 ')
    await user.click(dialog.getByRole('button', { name: 'Stop training' }))
    await screen.findByRole('button', { name: 'Stopping…' })
    expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument()
    expect(server.controlCalls().map(({ body }) => body)).toEqual([
      { action: 'cancel', reason: 'overfitting', note: 'rises since epoch 3' },
    ])
    expect(screen.getByText('Handing over the request')).toBeVisible()
    act(() => server.finish())
    expect(screen.queryByRole('button')).not.toBeInTheDocument()
  })

  it('sends one command however often it is pressed', async () => {
    const server = new ScriptedServer()
    const release = server.holdBack('controlJob')
    const { user, dialog } = await opened(server)
    const confirm = dialog.getByRole('button', { name: 'Stop training' })
    act(() => {
      confirm.click()
      confirm.click()
      confirm.click()
    })
    await user.click(await dialog.findByRole('button', { name: 'Sending…' }))
    release()
    await screen.findByRole('button', { name: 'Stopping…' })
    await user.click(screen.getByRole('button', { name: 'Stopping…' }))
    expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument()
    expect(server.controlCalls()).toHaveLength(1)
    expect(server.commands).toHaveLength(1)
  })

  it('tells an error where it happened, keeps what was written, and works again', async () => {
    const { server, user, dialog } = await opened()
    await user.type(dialog.getByLabelText('Note'), 'too costly')
    server.fail()
    await user.click(dialog.getByRole('button', { name: 'Stop training' }))
    expect(await dialog.findByRole('alert')).toHaveTextContent(/can't be reached, so nothing was changed/)
    expect(dialog.getByLabelText('Note')).toHaveValue('too costly')
    server.failure = null
    await user.click(dialog.getByRole('button', { name: 'Stop training' }))
    await screen.findByRole('button', { name: 'Stopping…' })
    expect(server.commands.map(({ note }) => note)).toEqual(['too costly'])
  })

  it('keeps the key of a stop that may have arrived, so that trying again joins it', async () => {
    const { server, user, dialog } = await opened()
    server.fail(() => trainingError('internal', { status: 500, rawCode: null, arrived: 'unknown' }))
    await user.click(dialog.getByRole('button', { name: 'Stop training' }))
    await dialog.findByRole('alert')
    server.fail(() => trainingError('timeout', { timeoutSeconds: 10, limit: 'answer', arrived: 'unknown' }))
    await user.click(dialog.getByRole('button', { name: 'Stop training' }))
    await waitFor(() => expect(dialog.getByRole('alert')).toHaveAttribute('data-code', 'outcome_unknown'))
    server.failure = null
    const key = server.controlCalls().at(-1)?.idempotencyKey
    await user.click(dialog.getByRole('button', { name: 'Stop training' }))
    await screen.findByRole('button', { name: 'Stopping…' })
    expect(server.controlCalls().at(-1)?.idempotencyKey).toBe(key)
  })

  it('takes a run that was over already for what it is', async () => {
    const { server, user, dialog } = await opened()
    server.control = () => {
      server.job = { ...server.job, status: 'completed', seq: server.job.seq + 1, status_version: 9 }
      return { outcome: 'no_op', command: null, job: server.job }
    }
    await user.click(dialog.getByRole('button', { name: 'Stop training' }))
    await waitFor(() => expect(screen.queryByRole('button')).not.toBeInTheDocument())
  })

  it('believes the smallest server, which only says that it will', async () => {
    const { server, user, dialog } = await opened()
    server.control = () => 'ok'
    await user.click(dialog.getByRole('button', { name: 'Stop training' }))
    await screen.findByRole('button', { name: 'Stopping…' })
    act(() => server.finish())
    expect(screen.queryByRole('button')).not.toBeInTheDocument()
  })

  it('closes its question when someone else has stopped the run', async () => {
    const { server } = await opened()
    act(() => server.change({ status: 'stopping', command: makeCommand() }))
    expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument()
    expect(screen.getByRole('button', { name: 'Stopping…' })).toBeVisible()
    act(() => server.change({ status: 'paused', command: null }))
    expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument()
  })

  it('stays focusable where stopping is not allowed, and says why', async () => {
    const reason = 'Only the owner of this run may stop it.'
    const capabilities = { ...makeJob().capabilities, cancel: forbidden(reason) }
    const user = userEvent.setup()
    renderWith(new ScriptedServer({ capabilities }), <StopTrainingButton jobId="job_1" />)
    const button = await stopButton()
    expect(button).toHaveAttribute('aria-disabled', 'true')
    expect(button).toHaveAccessibleDescription(reason)
    await user.tab()
    expect(button).toHaveFocus()
    await user.keyboard('{Enter}')
    expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument()
  })

  it('says what the stop waits for, and how long it may take', async () => {
    const server = new ScriptedServer()
    renderWith(server, <StopTrainingButton jobId="job_1" />)
    await stopButton()
    const command = makeCommand({ deadline: at(42) })
    act(() => server.change({ status: 'stopping', command }))
    expect(screen.getByText(/· 4[12] s left/)).toBeVisible()
    for (const [receipt, words] of [
      ['delivered', 'Finishing the step'],
      ['acknowledged', 'Saving a checkpoint'],
      ['checkpoint_saved', 'Waiting for the process to exit'],
      ['process_exited', 'Checking that its resources are free'],
    ] as const) {
      command.receipts = [...command.receipts, makeReceipt(receipt)]
      act(() => server.change({ command: { ...command } }))
      expect(screen.getByRole('status')).toHaveTextContent(words)
    }
  })

  it('offers force on demand, asks once more, and sends it', async () => {
    const user = userEvent.setup()
    const server = new ScriptedServer({ status: 'stopping', command: makeCommand() })
    renderWith(server, <StopTrainingButton jobId="job_1" />)
    await screen.findByRole('button', { name: 'Stopping…' })
    expect(screen.queryByRole('button', { name: 'Force stop' })).not.toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Taking too long?', expanded: false }))
    await user.click(screen.getByRole('button', { name: 'Force stop' }))
    const dialog = within(screen.getByRole('alertdialog', { name: 'Force stop?' }))
    expect(dialog.getByText(/15 steps since then will be lost/)).toBeVisible()
    server.control = () => ({ outcome: 'accepted', command: makeCommand({ mode: 'force' }), job: server.job })
    await user.click(dialog.getByRole('button', { name: 'Force stop' }))
    await waitFor(() => expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument())
    expect(server.controlCalls().map(({ body }) => body)).toEqual([{ action: 'cancel', mode: 'force' }])
  })

  it('offers force at once when the deadline has passed', async () => {
    const command = makeCommand({ deadline: at(-12) })
    renderWith(new ScriptedServer({ status: 'stopping', command }), <StopTrainingButton jobId="job_1" />)
    expect(await screen.findByRole('button', { name: 'Force stop' })).toBeVisible()
    expect(screen.getByText(/overdue by 1\d s/)).toBeVisible()
  })
})
