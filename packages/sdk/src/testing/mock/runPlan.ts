import type { MetricValue } from '../../protocol'

/** How a run goes when nobody tells it by hand, and what is wrong with it. All can be left out. */
export interface RunPlan {
  /** Steps of the whole run. Default 1000. */
  steps: number
  /** How long a step takes. Default 1. */
  stepSeconds: number
  /** Epochs that the steps are divided into; null: it has none. Default 10. */
  epochs: number | null
  /** How long it waits for a place before its process is started. Default 0.5. `Infinity`: it stays pending. */
  queueSeconds: number
  /** How long its process takes to start. Default 1. */
  startSeconds: number
  /** Saves at every multiple of so many steps; null: never by itself. Default 100. */
  saveEverySteps: number | null
  /** How long a save takes. Default 2. */
  saveSeconds: number
  /** What becomes of its saves: `fails`, nothing is published; `damaged`, it does not verify. Default `verified`. */
  saves: 'verified' | 'damaged' | 'fails'
  /** What it logs at a step. Default: a training loss that falls, and an evaluation loss that falls, turns and rises. */
  metrics: (step: number) => Record<string, MetricValue>
  /** What it prints at a step; null: nothing. */
  output: (step: number) => string | null
  /** By which checkpoint is the best. Default: the least `eval_loss`. */
  bestMetric: { metric: string; mode: 'min' | 'max' } | null
  /** The exit code after its last step. Default 0. */
  exitCode: number
  /** The step at which its process crashes with exit code 1; null: it doesn't. Default null. */
  crashesAtStep: number | null
  /** How long it lets a command wait before it acknowledges it at the end of a step. Default 0. */
  acknowledgeSeconds: number
  /**
   * `when_asked`: it obeys. `when_killed`: it never looks, and ends at a stop's deadline, by force. `never`: not even then
   * (it hangs in the kernel), so that the stop is overdue. Default `when_asked`.
   */
  leaves: 'when_asked' | 'when_killed' | 'never'
}

export const defaultPlan: RunPlan = {
  steps: 1000,
  stepSeconds: 1,
  epochs: 10,
  queueSeconds: 0.5,
  startSeconds: 1,
  saveEverySteps: 100,
  saveSeconds: 2,
  saves: 'verified',
  metrics: (step) => {
    const train = 2.3 * 0.995 ** step + 0.02
    return { train_loss: rounded(train), eval_loss: rounded(train + 0.2 + (step / 1500) ** 2) }
  },
  output: (step) => `step ${step}\n`,
  bestMetric: { metric: 'eval_loss', mode: 'min' },
  exitCode: 0,
  crashesAtStep: null,
  acknowledgeSeconds: 0,
  leaves: 'when_asked',
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
