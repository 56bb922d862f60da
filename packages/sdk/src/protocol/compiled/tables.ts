// Written by scripts/write-protocol.ts from src/protocol/schemas: change these.
import type { Table } from '../check'
import { ofOneStream } from '../event'
import { workingJob } from '../job'

export const id: Table = /^[A-Za-z0-9_-]{1,64}$/

export const string: Table = "string"

export const number: Table = "number"

export const boolean: Table = "boolean"

export const timestamp: Table = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/

export const count: Table = ["integer", 0]

export const seconds: Table = ["number", 0]

export const progress: Table = { epoch: [["number", 0]], epoch_total: [count], step: [count], step_total: [count], started_at: [timestamp], steps_per_second: [["number", 0]], eta_seconds: [seconds] }

export const metricValue: Table = ["anyOf", [number, ["oneOf", "NaN", "Infinity", "-Infinity"]]]

export const latestMetric: Table = { value: metricValue, step: [count], at: timestamp }

export const checkpoint: Table = { id, job_id: id, attempt: count, step: [count], epoch: [["number", 0]], path: string, bytes: count, files: count, saved_at: timestamp, removed_at: [timestamp], save_seconds: seconds, reason: string, verified: boolean, problem: [string], metrics: ["record", string, metricValue] }

export const capability: Table = { allowed: boolean, reason: [string] }

export const capabilities: Table = { cancel: capability, force: capability, pause: capability, resume: capability, modes: ["array", string], checkpoint: ["optional", capability], epoch: ["optional", capability], hold: ["optional", capability] }

export const actor: Table = { type: string, id: [string], name: [string] }

export const receipt: Table = { stage: string, state: string, at: timestamp, by: string, detail: [string] }

export const command: Table = { id, job_id: id, attempt: ["integer", 1], action: string, mode: [string], hold: [boolean], from: [string], reason: [string], note: [string], actor, status: string, superseded_by: [id], idempotency_key: [string], created_at: timestamp, wait_until: ["optional", [timestamp]], term_at: [timestamp], deadline: [timestamp], ended_at: [timestamp], message: [string], receipts: ["array", receipt] }

export const jobEnd: Table = { cause: string, exit_code: [["integer", -Infinity]], signal: [string], message: string }

export const jobWarning: Table = { code: string, message: string }

export const wireJob: Table = { id, owner: [string], name: string, template: [id], params: ["record", string, ["anyOf", [string, number, boolean]]], status: string, health: string, held: ["optional", boolean], attempt: ["integer", 1], created_at: timestamp, updated_at: timestamp, started_at: [timestamp], ended_at: [timestamp], progress, latest_metrics: ["record", string, latestMetric], last_checkpoint: [checkpoint], best_checkpoint: [checkpoint], capabilities, command: [command], last_command: [command], end: [jobEnd], warnings: ["optional", ["array", jobWarning]], resumed_from: [{ job_id: id, checkpoint_id: id }], resumed_as: [id], status_version: count, generation: count, seq: count }

export const job: Table = ["as", wireJob, workingJob]

export const metricColumns: Table = { attempt: ["array", count], step: ["array", [count]], epoch: ["array", [number]], elapsed_seconds: ["array", seconds], values: ["record", string, ["array", [metricValue]]] }

export const metricsData: Table = { progress, latest_metrics: ["record", string, latestMetric], columns: metricColumns }

export const logData: Table = { attempt: count, size: count }

export const resetData: Table = { reason: string }

export const endData: Table = { status: string }

export const bookmarkData: Table = {  }

export const goneData: Table = { reason: string }

export const event: Table = ["by", "type", { job_id: id, generation: count, seq: count, at: timestamp }, {
  job: { data: job },
  command: { data: command },
  checkpoint: { data: checkpoint },
  metrics: { data: metricsData },
  log: { data: logData },
  reset: { data: resetData },
  end: { data: endData },
  bookmark: { data: bookmarkData },
  gone: { data: goneData },
}]

export const eventsRequest: Table = { jobs: ["as", ["record", id, [/^[^]{0,64}$/u]], ofOneStream] }

export const unknown: Table = "unknown"

export const controlAnswer: Table = { success: ["oneOf", true], action: ["oneOf", "cancel", "pause", "resume"], job_id: string, result: unknown }

export const jobAnswer: Table = { success: ["oneOf", true], job }

export const jobsAnswer: Table = { success: ["oneOf", true], jobs: ["array", job], next_cursor: [string] }

export const commandAnswer: Table = { success: ["oneOf", true], command }

export const commandsAnswer: Table = { success: ["oneOf", true], commands: ["array", command] }

export const checkpointsAnswer: Table = { success: ["oneOf", true], checkpoints: ["array", checkpoint] }

export const metricsAnswer: Table = { success: ["oneOf", true], generation: count, seq: count, columns: metricColumns }

export const logsAnswer: Table = { success: ["oneOf", true], attempt: count, offset: count, next_offset: count, size: count, text: string }

export const paramValue: Table = ["anyOf", [/^[^]{0,1000}$/u, number, boolean]]

export const templateParam: Table = { name: id, type: string, title: string, default: [paramValue], minimum: [number], maximum: [number], choices: [["array", string]] }

export const template: Table = { id, title: string, description: [string], params: ["array", templateParam] }

export const capabilitiesAnswer: Table = { success: ["oneOf", true], protocol: ["integer", -Infinity], server: { name: string, version: string }, templates: ["array", template] }
