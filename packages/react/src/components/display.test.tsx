import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, render, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, it } from 'vitest'
import { TrainstopProvider } from '../provider/TrainstopProvider'
import { at, makeCheckpoint, makeCommand, makeJob, makeReceipt } from '../testing/fixtures'
import { renderWith } from '../testing/render'
import { ScriptedServer, unreachable } from '../testing/scriptedServer'
import { CheckpointList } from './CheckpointList'
import { ConnectionBadge } from './ConnectionBadge'
import { JobList } from './JobList'
import { JobStatus } from './JobStatus'
import { StopReceipt } from './StopReceipt'
import { TrainingProgress } from './TrainingProgress'

describe('JobStatus', () => {
  it('carries the status of the job, and changes with it', async () => {
    const server = new ScriptedServer()
    renderWith(server, <JobStatus jobId="job_1" />)
    const status = await screen.findByRole('status')
    await waitFor(() => expect(status).toHaveAttribute('data-status', 'running'))
    expect(status).toHaveTextContent('Running')
    act(() => server.change({ status: 'stopping' }))
    expect(status).toHaveAttribute('data-status', 'stopping')
  })

  it('shows a status of a newer server as it is', async () => {
    renderWith(new ScriptedServer({ status: 'hibernating' }), <JobStatus jobId="job_1" />)
    await waitFor(() => expect(screen.getByRole('status')).toHaveAttribute('data-status', 'hibernating'))
    expect(screen.getByRole('status')).toHaveTextContent('hibernating')
  })

  it('speaks the words it is given', async () => {
    const server = new ScriptedServer()
    render(
      <TrainstopProvider client={server.client} messages={{ status: { running: 'Läuft' } }}>
        <JobStatus jobId="job_1" />
      </TrainstopProvider>,
    )
    expect(await screen.findByText('Läuft')).toBeVisible()
  })
})

describe('TrainingProgress', () => {
  it('reads Epoch 4 / 10 and Step 315 / 780, with rate, time left and a progressbar', async () => {
    renderWith(new ScriptedServer(), <TrainingProgress jobId="job_1" />)
    const bar = await screen.findByRole('progressbar', { name: 'Training progress' })
    expect(bar).toHaveAttribute('aria-valuenow', '315')
    expect(bar).toHaveAttribute('aria-valuemax', '780')
    expect(bar).toHaveAttribute('aria-valuetext', 'Step 315 / 780, Epoch 4 / 10')
    const shown = bar.parentElement
    for (const text of ['Epoch 4 / 10', 'Step 315 / 780', '5.3 steps/s', '1 min 28 s left'])
      expect(shown).toHaveTextContent(text)
  })

  it('claims no share of a run whose length it does not know', async () => {
    const progress = {
      ...makeJob().progress,
      epoch: null,
      epoch_total: null,
      step_total: null,
      eta_seconds: null,
    }
    renderWith(new ScriptedServer({ progress }), <TrainingProgress jobId="job_1" />)
    const bar = await screen.findByRole('progressbar')
    expect(bar).not.toHaveAttribute('aria-valuenow')
    expect(bar).toHaveAttribute('aria-valuetext', 'Step 315')
  })
})

describe('TrainingProgress of a run that waits', () => {
  it('says why, and takes it back when the run has begun', async () => {
    const message = 'It waits for its turn: this server runs 1 job at once.'
    const server = new ScriptedServer({
      status: 'pending',
      warnings: [{ code: 'waiting_for_place', message }],
    })
    renderWith(server, <TrainingProgress jobId="job_1" />)
    const said = await screen.findByText(message)
    expect(said).toHaveAttribute('data-code', 'waiting_for_place')
    act(() => server.change({ status: 'running', warnings: [] }))
    await waitFor(() => expect(screen.queryByText(message)).toBeNull())
  })
})

describe('ConnectionBadge', () => {
  it('says in words how fresh things are', async () => {
    const server = new ScriptedServer()
    renderWith(server, <ConnectionBadge jobId="job_1" />)
    const badge = screen.getByRole('status')
    await waitFor(() => expect(badge).toHaveTextContent(/^Live$/))
    server.connection({ source: 'polling' })
    await waitFor(() => expect(badge).toHaveTextContent(/^Polling$/))
    server.connection({ source: 'none', attempt: 1 }, unreachable())
    await waitFor(() => expect(badge).toHaveTextContent(/^Reconnecting$/))
    server.connection({ stale: true, lastEventAt: Date.now() - 14_000 }, unreachable())
    await waitFor(() => expect(badge).toHaveTextContent(/^Stale, last heard 1\d s ago$/))
    server.connection({ source: 'sse', stale: false, attempt: 0 })
    await waitFor(() => expect(badge).toHaveTextContent(/^Live$/))
    act(() => server.finish())
    expect(badge).toHaveTextContent(/^Ended$/)
  })
})

describe('CheckpointList', () => {
  it('lists good and bad ones, and reads again when one is added', async () => {
    const server = new ScriptedServer()
    server.checkpoints = [
      makeCheckpoint(300),
      makeCheckpoint(225, { verified: false, problem: 'weights.npz is too short.' }),
    ]
    renderWith(server, <CheckpointList jobId="job_1" />)
    const list = await screen.findByRole('list', { name: 'Checkpoints' })
    const [newest, bad] = within(list).getAllByRole('listitem')
    await waitFor(() => expect(newest).toHaveTextContent(/Step 300LastBest.*Verified/))
    expect(bad).toHaveTextContent('Not verified: weights.npz is too short.')
    const added = makeCheckpoint(375, { saved_at: at(0) })
    server.checkpoints = [added, ...server.checkpoints]
    server.job = { ...server.job, seq: server.job.seq + 1 }
    act(() => server.tell({ type: 'checkpoint', data: added }))
    await waitFor(() => expect(within(list).getAllByRole('listitem')[0]).toHaveTextContent(/Step 375Last/))
  })
})

describe('CheckpointList of a long run', () => {
  it('shows the newest few, and all when asked', async () => {
    const server = new ScriptedServer()
    server.checkpoints = Array.from({ length: 23 }, (_, i) => makeCheckpoint(300 - i * 10))
    renderWith(server, <CheckpointList jobId="job_1" />)
    const list = within(await screen.findByRole('list', { name: 'Checkpoints' }))
    expect(list.getAllByRole('listitem')).toHaveLength(5)
    act(() => screen.getByRole('button', { name: 'Show all 23' }).click())
    expect(list.getAllByRole('listitem')).toHaveLength(23)
    act(() => screen.getByRole('button', { name: 'Show only the newest' }).click())
    expect(list.getAllByRole('listitem')).toHaveLength(5)
  })
})

describe('StopReceipt', () => {
  it('tells done, skipped, not measured, failed and waiting apart in words', async () => {
    const command = makeCommand({
      reason: 'cost',
      note: 'the budget is spent',
      actor: { type: 'rule', id: 'budget', name: null },
      receipts: [
        makeReceipt('requested'),
        makeReceipt('accepted', { at: at(0.25) }),
        makeReceipt('delivered', { state: 'failed', detail: 'no listener' }),
        makeReceipt('acknowledged', { state: 'skipped' }),
        makeReceipt('checkpoint_saved', { state: 'not_measured' }),
      ],
    })
    renderWith(new ScriptedServer({ status: 'stopping', command }), <StopReceipt jobId="job_1" />)
    const stages = within(await screen.findByRole('list', { name: 'Receipts' })).getAllByRole('listitem')
    expect(stages.map(({ dataset, textContent }) => [dataset.stage, dataset.state, textContent])).toEqual([
      ['requested', 'done', expect.stringMatching(/^RequestedDone\d\d:\d\d:\d\d\.\d{3} seen by server$/)],
      ['accepted', 'done', expect.stringMatching(/^AcceptedDone.*\+2[45]\d msseen by server$/)],
      ['delivered', 'failed', expect.stringMatching(/^DeliveredFailed.*no listener/)],
      ['acknowledged', 'skipped', expect.stringMatching(/^AcknowledgedSkipped/)],
      ['checkpoint_saved', 'not_measured', expect.stringMatching(/^Checkpoint savedNot measured/)],
      ['process_exited', 'waiting', 'Process exitedWaiting'],
      ['resources_released', 'waiting', 'Resources releasedWaiting'],
    ])
    expect(screen.getByText(/by a rule \(budget\) · Cost/)).toBeVisible()
    expect(screen.getByText('“the budget is spent”')).toBeVisible()
  })
})

describe('JobList', () => {
  it('lists the runs with links, status and progress, and more of them on demand', async () => {
    const server = new ScriptedServer()
    server.others = [
      makeJob({ id: 'job_2', name: 'second', status: 'failed' }),
      makeJob({ id: 'job_3', name: 'third' }),
    ]
    renderWith(server, <JobList href={({ id }) => `/runs/${id}`} pageSize={2} />)
    const link = await screen.findByRole('link', { name: 'second' })
    expect(link).toHaveAttribute('href', '/runs/job_2')
    const row = screen.getByRole('row', { name: /second/ })
    expect(row).toHaveTextContent(/Failed315 \/ 780/)
    expect(screen.queryByText('third')).not.toBeInTheDocument()
    act(() => screen.getByRole('button', { name: 'Show older runs' }).click())
    await screen.findByRole('link', { name: 'third' })
    await waitFor(() =>
      expect(screen.queryByRole('button', { name: 'Show older runs' })).not.toBeInTheDocument(),
    )
  })

  it('works with the cache of the host, where there is one', async () => {
    const server = new ScriptedServer()
    const queryClient = new QueryClient()
    render(
      <QueryClientProvider client={queryClient}>
        <TrainstopProvider client={server.client}>
          <JobList />
        </TrainstopProvider>
      </QueryClientProvider>,
    )
    await screen.findByText('digits, wide')
    expect(queryClient.getQueryCache().getAll()).toHaveLength(1)
  })

  it('tells in place why the runs could not be read', async () => {
    const server = new ScriptedServer()
    server.fail()
    renderWith(server, <JobList />)
    expect(await screen.findByRole('alert')).toHaveTextContent(
      /^The training server can't be reached\. This is tried again by itself/,
    )
  })
})
