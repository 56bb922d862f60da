/**
 * Stops the digits run again and again, each time at another step, and prints how long it took from the control call's
 * arrival to the process tree gone; and the same without the script's own share (finishing its step, saving), taken
 * from the receipts' times. `npm run bench -- [--stops 100]`.
 */
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { Command, ReceiptStage } from '../../packages/sdk/src/protocol'
import { TrainingStack } from '../training-stack'

const { values } = parseArgs({ options: { stops: { type: 'string', default: '100' } } })
const stops = Number(values.stops)
if (!Number.isInteger(stops) || stops < 1) {
  console.error(`--stops takes a whole number from 1 on, not "${values.stops}".`)
  process.exit(1)
}

const stack = await TrainingStack.start({ dashboard: false })
const whole: number[] = []
const ours: number[] = []
const script: number[] = []
try {
  for (let i = 0; i < stops; i++) {
    const { job } = await stack.ask('/jobs', { template: 'digits' })
    await trained(job.id, 2 + (i % 7))
    const { result } = await stack.ask(
      `/local/${job.id}/control`,
      { action: 'cancel' },
      { prefer: 'wait=60' },
    )
    const at = receiptTimes(result.command)
    whole.push(at.process_exited - at.requested)
    script.push(at.checkpoint_saved - at.delivered)
    ours.push(at.process_exited - at.requested - (at.checkpoint_saved - at.delivered))
    process.stderr.write(`\r${i + 1} of ${stops} stops`)
  }
  process.stderr.write('\n')
} finally {
  await stack.end()
}

console.log(
  `${stops} stops of the digits run, milliseconds (${availableParallelism()} × ${cpus()[0]?.model}):`,
)
console.log(`${''.padEnd(58)}p50     p90     p99     max`)
print('from the control call to the process tree gone', whole)
print("the script's own share: finishing its step, saving", script)
print("the same without the script's own share (goal: p99 < 100)", ours)

/** Follows the run's events until it has done `steps` steps. */
async function trained(jobId: string, steps: number): Promise<void> {
  for await (const event of stack.events(jobId)) {
    const progress =
      event.type === 'metrics' ? event.data.progress : event.type === 'job' ? event.data.progress : null
    if ((progress?.step ?? 0) >= steps) return
    if (event.type === 'end') throw new Error(`The run ended before its step ${steps}: ${event.data.status}.`)
  }
}

function receiptTimes(command: Command) {
  const at = (stage: ReceiptStage): number => {
    const receipt = command.receipts.find((one) => one.stage === stage)
    if (receipt?.state !== 'done') throw new Error(`Command ${command.id} has no receipt of ${stage}.`)
    return Date.parse(receipt.at)
  }
  return {
    requested: at('requested'),
    delivered: at('delivered'),
    checkpoint_saved: at('checkpoint_saved'),
    process_exited: at('process_exited'),
  }
}

function print(title: string, samples: number[]): void {
  const sorted = samples.toSorted((a, b) => a - b)
  const quantile = (q: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
  const figures = [0.5, 0.9, 0.99, 1].map((q) => String(Math.round(quantile(q))).padEnd(8))
  console.log(`${title.padEnd(58)}${figures.join('')}`)
}
