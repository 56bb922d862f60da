import { act, render, screen, waitFor } from '@testing-library/react'
import { Profiler, type ReactNode, useState } from 'react'
import { describe, expect, it } from 'vitest'
import { TrainstopProvider } from '../provider/TrainstopProvider'
import { renderWith } from '../testing/render'
import { ScriptedServer } from '../testing/scriptedServer'
import { useTrainingJob } from './useTrainingJob'

/** Counts how often what is in it renders. */
function counted(children: ReactNode) {
  const counter = { renders: 0 }
  const element = (
    <Profiler
      id="counted"
      onRender={() => {
        counter.renders += 1
      }}
    >
      {children}
    </Profiler>
  )
  return { counter, element }
}
const frame = () => act(() => new Promise((resolve) => requestAnimationFrame(() => resolve(undefined))))

async function streamMetrics(server: ScriptedServer, batches: number) {
  for (let i = 0; i < batches; i++) {
    server.logMetrics(316 + i, { train_loss: 1 / (i + 1) })
    // Now and then a frame passes, as it would in a browser.
    if (i % 25 === 0) await frame()
  }
  await frame()
}

function Status() {
  const { status } = useTrainingJob('job_1')
  return <p data-testid="status">{status ?? 'loading'}</p>
}
function SelectedStatus() {
  const status = useTrainingJob('job_1', { select: (state) => state.status })
  return <p data-testid="status">{status ?? 'loading'}</p>
}
function SelectedObject() {
  const { status, name } = useTrainingJob('job_1', {
    select: ({ job }) => ({ status: job?.status, name: job?.name }),
  })
  return <p data-testid="status">{status ? `${status} ${name}` : 'loading'}</p>
}

function Step() {
  const { job } = useTrainingJob('job_1')
  return <p data-testid="step">{job?.progress.step}</p>
}

function Later() {
  const [wants, setWants] = useState(false)
  const training = useTrainingJob('job_1')
  return (
    <button type="button" onClick={() => setWants(true)}>
      {training.status} {wants && training.job?.progress.step}
    </button>
  )
}

function Name({ jobId }: { jobId: string }) {
  const { job, isLoading } = useTrainingJob(jobId)
  return <p data-testid="name">{isLoading ? 'loading' : job?.name}</p>
}

describe('useTrainingJob', () => {
  it.each([
    ['reads only the status', <Status key="1" />],
    ['selects the status', <SelectedStatus key="2" />],
    ['selects an object with the status', <SelectedObject key="3" />],
  ])(
    'a component that %s renders 0 times under 500 batches of metrics, and once when it changes',
    async (_name, component) => {
      const server = new ScriptedServer()
      const { counter, element } = counted(component)
      render(<TrainstopProvider client={server.client}>{element}</TrainstopProvider>)
      await waitFor(() => expect(screen.getByTestId('status')).toHaveTextContent('running'))
      const before = counter.renders
      await streamMetrics(server, 500)
      expect(counter.renders - before).toBe(0)
      act(() => server.change({ status: 'stopping' }))
      expect(screen.getByTestId('status')).toHaveTextContent('stopping')
      expect(counter.renders - before).toBe(1)
    },
  )

  it('renders a reader of the whole job at most once a frame', async () => {
    const server = new ScriptedServer()
    const { counter, element } = counted(<Step />)
    render(<TrainstopProvider client={server.client}>{element}</TrainstopProvider>)
    await waitFor(() => expect(screen.getByTestId('step')).toHaveTextContent('315'))
    const before = counter.renders
    act(() => {
      for (let i = 0; i < 500; i++) server.logMetrics(316 + i, { train_loss: 1 })
    })
    await waitFor(() => expect(screen.getByTestId('step')).toHaveTextContent('815'))
    expect(counter.renders - before).toBeLessThanOrEqual(2)
  })

  it('shows the newest value of a field that it begins to read later', async () => {
    const server = new ScriptedServer()
    renderWith(server, <Later />)
    const button = await screen.findByRole('button', { name: 'running' })
    act(() => server.logMetrics(400, { train_loss: 1 }))
    await frame()
    act(() => button.click())
    expect(button).toHaveTextContent('running 400')
  })

  it('opens one connection for all who ask for the same job, and closes it with the last', async () => {
    const server = new ScriptedServer()
    const { unmount } = renderWith(
      server,
      <>
        <Status />
        <SelectedStatus />
        <SelectedObject />
      </>,
    )
    await waitFor(() => expect(screen.getAllByText(/running/)).toHaveLength(3))
    expect(server.subscribers).toBe(1)
    unmount()
    await waitFor(() => expect(server.subscribers).toBe(0))
  })

  it('follows another job when its id changes', async () => {
    const server = new ScriptedServer()
    const tree = (jobId: string) => (
      <TrainstopProvider client={server.client}>
        <Name jobId={jobId} />
      </TrainstopProvider>
    )
    const { rerender } = render(tree('job_1'))
    await waitFor(() => expect(screen.getByTestId('name')).toHaveTextContent('digits, wide'))
    rerender(tree('job_2'))
    expect(screen.getByTestId('name')).toHaveTextContent('loading')
  })

  it('says what to do where there is no provider', () => {
    expect(() => render(<Status />)).toThrow(/Wrap the app in <TrainstopProvider/)
  })
})
