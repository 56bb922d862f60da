import { act, screen, waitFor } from '@testing-library/react'
import { hydrateRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, expect, it, vi } from 'vitest'
import { MetricChart } from '../chart'
import {
  CheckpointList,
  ConnectionBadge,
  JobList,
  JobStatus,
  PauseTrainingButton,
  ResumeTrainingButton,
  StopReceipt,
  StopTrainingButton,
  TrainingLog,
  TrainingProgress,
  TrainstopProvider,
} from '../index'
import { ScriptedServer } from '../testing/scriptedServer'

let root: Root | undefined
afterEach(() => act(() => root?.unmount()))

it('renders everything on a server, asks nothing there, and hydrates without a warning', async () => {
  const complaints = vi.spyOn(console, 'error')
  const server = new ScriptedServer()
  const page = (
    <TrainstopProvider client={server.client}>
      <JobStatus jobId="job_1" />
      <ConnectionBadge jobId="job_1" />
      <TrainingProgress jobId="job_1" />
      <StopTrainingButton jobId="job_1" />
      <PauseTrainingButton jobId="job_1" />
      <ResumeTrainingButton jobId="job_1" />
      <MetricChart jobId="job_1" />
      <TrainingLog jobId="job_1" />
      <StopReceipt jobId="job_1" />
      <CheckpointList jobId="job_1" />
      <JobList />
    </TrainstopProvider>
  )
  const html = renderToString(page)
  expect(html).toContain('Loading…')
  expect(server.calls).toEqual([])
  expect(server.subscribers).toBe(0)

  const container = document.createElement('div')
  document.body.append(container)
  container.innerHTML = html
  const mismatches: unknown[] = []
  await act(async () => {
    root = hydrateRoot(container, page, { onRecoverableError: (error) => mismatches.push(error) })
  })
  await waitFor(() => expect(screen.getByRole('button', { name: 'Stop training' })).toBeInTheDocument())
  await waitFor(() => expect(container.querySelector('[data-status="running"]')).not.toBeNull())
  expect(mismatches).toEqual([])
  expect(complaints).not.toHaveBeenCalled()
  complaints.mockRestore()
})
