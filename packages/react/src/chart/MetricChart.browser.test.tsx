import { screen, waitFor, within } from '@testing-library/react'
import { afterEach, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { MetricChart } from '../chart'
import { at, makeCheckpoint, makeCommand } from '../testing/fixtures'
import { renderWith } from '../testing/render'
import { ScriptedServer } from '../testing/scriptedServer'

const wait = { timeout: 30_000 }

/** Train logged at every step, eval at every tenth, rising from step 200 on. */
function trained(server: ScriptedServer, steps = 300) {
  const all = Array.from({ length: steps }, (_, i) => i + 1)
  server.metrics = {
    attempt: all.map(() => 1),
    step: all,
    epoch: all.map(() => 1),
    elapsed_seconds: all.map((step) => step / 5),
    values: {
      train_loss: all.map((step) => 2 / step),
      eval_loss: all.map((step) => (step % 10 === 0 ? 1 + Math.abs(step - 200) / 100 : null)),
    },
  }
  return server
}

async function drawn(server: ScriptedServer) {
  renderWith(server, <MetricChart jobId="job_1" />)
  const figure = await screen.findByRole('figure', { name: 'Loss' })
  await waitFor(() => expect(figure.querySelector('canvas')).not.toBeNull(), wait)
  const canvas = figure.querySelector('canvas') as HTMLCanvasElement
  return { figure, canvas }
}

/** How many pixels of the canvas have about the colour of that custom property, as the page shows it. */
function pixelsOf(canvas: HTMLCanvasElement, property: string): number {
  const probe = document.querySelector<HTMLElement>(`.trainstop-chart-probe[data-color="${property}"]`)
  const wanted =
    getComputedStyle(probe as HTMLElement)
      .color.match(/[\d.]+/g)
      ?.map(Number) ?? []
  const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(
    0,
    0,
    canvas.width,
    canvas.height,
  )
  let found = 0
  for (let i = 0; i < data.length; i += 4) {
    const near = [0, 1, 2].every((k) => Math.abs((data[i + k] as number) - (wanted[k] as number)) < 6)
    if (near && (data[i + 3] as number) > 200) found += 1
  }
  return found
}

afterEach(async () => {
  delete document.documentElement.dataset.theme
  await page.viewport(1024, 768)
})

it('draws train and eval together, and goes on as rows come', async () => {
  const server = trained(new ScriptedServer())
  const { figure, canvas } = await drawn(server)
  await waitFor(() => expect(pixelsOf(canvas, 'series-1')).toBeGreaterThan(100), wait)
  expect(pixelsOf(canvas, 'series-2')).toBeGreaterThan(100)
  expect(figure).toHaveTextContent(/train_loss 0\.006667.*eval_loss 2\.000.*Step 300, latest/)
  server.logMetrics(301, { train_loss: 0.5, eval_loss: 0.75 })
  await waitFor(
    () => expect(figure).toHaveTextContent(/train_loss 0\.5000.*eval_loss 0\.7500.*Step 301, latest/),
    wait,
  )
})

it('says in words what the picture shows', async () => {
  const { figure } = await drawn(trained(new ScriptedServer()))
  expect(within(figure).getByRole('img')).toHaveAccessibleName(
    /eval_loss: 2\.000 at Step 300, lowest 1\.000 at Step 200\./,
  )
  await userEvent.click(within(figure).getByText('Values as a table'))
  const table = within(await within(figure).findByRole('table'))
  expect(table.getAllByRole('columnheader').map(({ textContent }) => textContent)).toEqual([
    'Step',
    'train_loss',
    'eval_loss',
  ])
  expect(table.getAllByRole('row')[1]).toHaveTextContent('3000.0066672.000')
})

it('says how far a held-out loss has risen since it turned', async () => {
  const { figure } = await drawn(trained(new ScriptedServer()))
  await waitFor(() => expect(figure).toHaveTextContent(/eval_loss 2\.000 ?up 100% since Step 200/), wait)
  expect(figure).not.toHaveTextContent(/train_loss [\d.]+ ?up/)
})

it('shows the values under the pointer, and the latest when it leaves', async () => {
  const { figure } = await drawn(trained(new ScriptedServer()))
  await userEvent.hover(within(figure).getByRole('img'))
  await waitFor(() => expect(figure).toHaveTextContent(/Step 1[3-7]\d$|Step 1[3-7]\d(?!, latest)/), wait)
  await userEvent.unhover(within(figure).getByRole('img'))
  await waitFor(() => expect(figure).toHaveTextContent(/Step 300, latest/), wait)
})

it('marks the checkpoints and the stop', async () => {
  const server = trained(new ScriptedServer({ last_command: makeCommand({ created_at: at(-20) }) }))
  // Saved after the last row that was logged, as the checkpoint of a stop is.
  server.checkpoints = [makeCheckpoint(326)]
  const { figure, canvas } = await drawn(server)
  await waitFor(() => expect(pixelsOf(canvas, 'ok')).toBeGreaterThan(10), wait)
  await waitFor(() => expect(pixelsOf(canvas, 'danger-text')).toBeGreaterThan(50), wait)
  expect(within(figure).getByText('Checkpoint')).toBeVisible()
  expect(within(figure).getByText('Stop asked')).toBeVisible()
})

it('follows light and dark while it is open', async () => {
  document.documentElement.dataset.theme = 'light'
  const { canvas } = await drawn(trained(new ScriptedServer()))
  await waitFor(() => expect(pixelsOf(canvas, 'series-2')).toBeGreaterThan(100), wait)
  const light = getComputedStyle(document.querySelector('.trainstop-chart-probe') as HTMLElement).color
  document.documentElement.dataset.theme = 'dark'
  await waitFor(() => {
    const probe = document.querySelector('.trainstop-chart-probe') as HTMLElement
    expect(getComputedStyle(probe).color).not.toBe(light)
    expect(pixelsOf(canvas, 'series-2')).toBeGreaterThan(100)
  }, wait)
})

it('takes the width it is given', async () => {
  const { figure, canvas } = await drawn(trained(new ScriptedServer()))
  await waitFor(() => expect(canvas.getBoundingClientRect().width).toBe(figure.clientWidth), wait)
  await page.viewport(400, 768)
  await waitFor(() => {
    expect(figure.clientWidth).toBeLessThan(420)
    expect(canvas.getBoundingClientRect().width).toBe(figure.clientWidth)
  }, wait)
})

it('says that there is nothing yet, draws as soon as there is, and names what diverged', async () => {
  const server = new ScriptedServer()
  renderWith(server, <MetricChart jobId="job_1" />)
  const figure = await screen.findByRole('figure', { name: 'Loss' })
  expect(within(figure).getByText('No metrics yet.')).toBeVisible()
  server.logMetrics(1, { train_loss: 2 })
  server.logMetrics(2, { train_loss: 1 })
  server.logMetrics(3, { train_loss: 'NaN' })
  await waitFor(() => expect(figure.querySelector('canvas')).not.toBeNull(), wait)
  expect(within(figure).queryByText('No metrics yet.')).toBeNull()
  await waitFor(() => expect(figure).toHaveTextContent('train_loss was NaN at step 3'), wait)
})
