import { act, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import type { Job } from '@trainstop/sdk'
import { describe, expect, it } from 'vitest'
import { forbidden, makeCommand, makeJob } from '../testing/fixtures'
import { renderWith } from '../testing/render'
import { ScriptedServer } from '../testing/scriptedServer'
import { PauseTrainingButton } from './PauseTrainingButton'
import { ResumeTrainingButton } from './ResumeTrainingButton'

const resumable = { ...makeJob().capabilities, resume: { allowed: true, reason: null } }

describe('PauseTrainingButton', () => {
  it('pauses with one command however often it is pressed, says so, and goes', async () => {
    const server = new ScriptedServer()
    renderWith(server, <PauseTrainingButton jobId="job_1" />)
    const button = await screen.findByRole('button', { name: 'Pause training' })
    act(() => {
      button.click()
      button.click()
    })
    expect(await screen.findByRole('button', { name: 'Pausing…' })).toHaveAccessibleDescription(
      /goes on running/,
    )
    expect(server.controlCalls().map(({ body }) => body)).toEqual([{ action: 'pause' }])
    act(() => server.change({ status: 'paused', command: null }))
    expect(screen.queryByRole('button')).not.toBeInTheDocument()
  })

  it('tells an error in place and works again', async () => {
    const user = userEvent.setup()
    const server = new ScriptedServer()
    renderWith(server, <PauseTrainingButton jobId="job_1" />)
    server.fail()
    await user.click(await screen.findByRole('button', { name: 'Pause training' }))
    expect(await screen.findByRole('alert')).toHaveTextContent(/can't be reached/)
    server.failure = null
    await user.click(screen.getByRole('button', { name: 'Pause training' }))
    await screen.findByRole('button', { name: 'Pausing…' })
    expect(screen.queryByRole('alert')).not.toBeInTheDocument()
  })

  it('says when a pause was given up', async () => {
    const last_command = makeCommand({
      action: 'pause',
      status: 'expired',
      message: 'The run did not pause in time.',
    })
    renderWith(new ScriptedServer({ last_command }), <PauseTrainingButton jobId="job_1" />)
    expect(await screen.findByText('The run did not pause in time.')).toBeVisible()
  })
})

describe('ResumeTrainingButton', () => {
  it.each(['paused', 'cancelled', 'failed'] as const)(
    'names the step it goes on from when %s',
    async (status) => {
      renderWith(
        new ScriptedServer({ status, capabilities: resumable }),
        <ResumeTrainingButton jobId="job_1" />,
      )
      expect(await screen.findByRole('button', { name: 'Resume from step 300' })).toBeVisible()
    },
  )

  it('hands over the job to watch, a new one where the old is over', async () => {
    const user = userEvent.setup()
    const server = new ScriptedServer({ status: 'cancelled', capabilities: resumable })
    server.control = () => ({
      outcome: 'accepted',
      command: null,
      job: makeJob({ id: 'job_2', status: 'pending' }),
    })
    const resumed: Job[] = []
    renderWith(server, <ResumeTrainingButton jobId="job_1" onResumed={(job) => resumed.push(job)} />)
    await user.click(await screen.findByRole('button', { name: 'Resume from step 300' }))
    await waitFor(() => expect(resumed.map(({ id }) => id)).toEqual(['job_2']))
  })

  it('is not offered where there is nothing to resume from', async () => {
    const server = new ScriptedServer({ status: 'failed', last_checkpoint: null })
    const { container } = renderWith(server, <ResumeTrainingButton jobId="job_1" />)
    await waitFor(() => expect(server.subscribers).toBe(1))
    await act(async () => {})
    expect(container).toBeEmptyDOMElement()
  })

  it('says why, where it is not allowed though there is a checkpoint', async () => {
    const capabilities = { ...resumable, resume: forbidden('It goes on already as another run.') }
    renderWith(
      new ScriptedServer({ status: 'cancelled', capabilities }),
      <ResumeTrainingButton jobId="job_1" />,
    )
    expect(await screen.findByRole('button', { name: 'Resume from step 300' })).toHaveAccessibleDescription(
      'It goes on already as another run.',
    )
  })
})
