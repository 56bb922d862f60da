// Written by scripts/write-protocol.ts from src/protocol/schemas: change these.
import type { Table } from '../check'
import { fitsOneStream } from '../event'
import { workingJob } from '../job'

export const id: Table = /^[A-Za-z0-9_-]{1,64}$/

export const timestamp: Table = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/

export const count: Table = ["integer", 0]

export const seconds: Table = ["number", 0]

export const progress: Table = { epoch: ["nullable", ["number", 0]], epoch_total: ["nullable", count], step: ["nullable", count], step_total: ["nullable", count], started_at: ["nullable", timestamp], steps_per_second: ["nullable", ["number", 0]], eta_seconds: ["nullable", seconds] }

export const metricValue: Table = ["anyOf", ["number", ["oneOf", "NaN", "Infinity", "-Infinity"]]]

export const latestMetric: Table = { value: metricValue, step: ["nullable", count], at: timestamp }

export const checkpoint: Table = { id, job_id: id, attempt: count, step: ["nullable", count], epoch: ["nullable", ["number", 0]], path: "string", bytes: count, files: count, saved_at: timestamp, removed_at: ["nullable", timestamp], save_seconds: seconds, reason: "string", verified: "boolean", problem: ["nullable", "string"], metrics: ["record", "string", metricValue] }

export const capability: Table = { allowed: "boolean", reason: ["nullable", "string"] }

export const capabilities: Table = { cancel: capability, force: capability, pause: capability, resume: capability, modes: ["array", "string"], checkpoint: ["optional", capability], epoch: ["optional", capability], hold: ["optional", capability] }

export const actor: Table = { type: "string", id: ["nullable", "string"], name: ["nullable", "string"] }

export const receipt: Table = { stage: "string", state: "string", at: timestamp, by: "string", detail: ["nullable", "string"] }

export const command: Table = { id, job_id: id, attempt: ["integer", 1], action: "string", mode: ["nullable", "string"], hold: ["nullable", "boolean"], from: ["nullable", "string"], reason: ["nullable", "string"], note: ["nullable", "string"], actor, status: "string", superseded_by: ["nullable", id], idempotency_key: ["nullable", "string"], created_at: timestamp, wait_until: ["optional", ["nullable", timestamp]], term_at: ["nullable", timestamp], deadline: ["nullable", timestamp], ended_at: ["nullable", timestamp], message: ["nullable", "string"], receipts: ["array", receipt] }

export const jobEnd: Table = { cause: "string", exit_code: ["nullable", ["integer", -Infinity]], signal: ["nullable", "string"], message: "string" }

export const jobWarning: Table = { code: "string", message: "string" }

export const wireJob: Table = { id, owner: ["nullable", "string"], name: "string", template: ["nullable", id], params: ["record", "string", ["anyOf", ["string", "number", "boolean"]]], status: "string", health: "string", held: ["optional", "boolean"], attempt: ["integer", 1], created_at: timestamp, updated_at: timestamp, started_at: ["nullable", timestamp], ended_at: ["nullable", timestamp], progress, latest_metrics: ["record", "string", latestMetric], last_checkpoint: ["nullable", checkpoint], best_checkpoint: ["nullable", checkpoint], capabilities, command: ["nullable", command], last_command: ["nullable", command], end: ["nullable", jobEnd], warnings: ["optional", ["array", jobWarning]], resumed_from: ["nullable", { job_id: id, checkpoint_id: id }], resumed_as: ["nullable", id], status_version: count, generation: count, seq: count }

export const job: Table = ["as", wireJob, workingJob]

export const metricColumns: Table = { attempt: ["array", count], step: ["array", ["nullable", count]], epoch: ["array", ["nullable", "number"]], elapsed_seconds: ["array", seconds], values: ["record", "string", ["array", ["nullable", metricValue]]] }

export const metricsData: Table = { progress, latest_metrics: ["record", "string", latestMetric], columns: metricColumns }

export const logData: Table = { attempt: count, size: count }

export const resetData: Table = { reason: "string" }

export const endData: Table = { status: "string" }

export const bookmarkData: Table = {  }

export const goneData: Table = { reason: "string" }

export const event: Table = ["by", "type", {
  job: { job_id: id, generation: count, seq: count, at: timestamp, type: ["oneOf", "job"], data: job },
  command: { job_id: id, generation: count, seq: count, at: timestamp, type: ["oneOf", "command"], data: command },
  checkpoint: { job_id: id, generation: count, seq: count, at: timestamp, type: ["oneOf", "checkpoint"], data: checkpoint },
  metrics: { job_id: id, generation: count, seq: count, at: timestamp, type: ["oneOf", "metrics"], data: metricsData },
  log: { job_id: id, generation: count, seq: count, at: timestamp, type: ["oneOf", "log"], data: logData },
  reset: { job_id: id, generation: count, seq: count, at: timestamp, type: ["oneOf", "reset"], data: resetData },
  end: { job_id: id, generation: count, seq: count, at: timestamp, type: ["oneOf", "end"], data: endData },
  bookmark: { job_id: id, generation: count, seq: count, at: timestamp, type: ["oneOf", "bookmark"], data: bookmarkData },
  gone: { job_id: id, generation: count, seq: count, at: timestamp, type: ["oneOf", "gone"], data: goneData },
}]

export const eventsRequest: Table = { jobs: ["where", ["record", id, ["nullable", ["short", 64]]], fitsOneStream] }

export const controlAnswer: Table = { success: ["oneOf", true], action: ["oneOf", "cancel", "pause", "resume"], job_id: "string", result: "unknown" }

export const jobAnswer: Table = { success: ["oneOf", true], job }

export const jobsAnswer: Table = { success: ["oneOf", true], jobs: ["array", job], next_cursor: ["nullable", "string"] }

export const commandAnswer: Table = { success: ["oneOf", true], command }

export const commandsAnswer: Table = { success: ["oneOf", true], commands: ["array", command] }

export const checkpointsAnswer: Table = { success: ["oneOf", true], checkpoints: ["array", checkpoint] }

export const metricsAnswer: Table = { success: ["oneOf", true], generation: count, seq: count, columns: metricColumns }

export const logsAnswer: Table = { success: ["oneOf", true], attempt: count, offset: count, next_offset: count, size: count, text: "string" }

export const paramValue: Table = ["anyOf", [["short", 1000], "number", "boolean"]]

export const templateParam: Table = { name: id, type: "string", title: "string", default: ["nullable", paramValue], minimum: ["nullable", "number"], maximum: ["nullable", "number"], choices: ["nullable", ["array", "string"]] }

export const template: Table = { id, title: "string", description: ["nullable", "string"], params: ["array", templateParam] }

export const capabilitiesAnswer: Table = { success: ["oneOf", true], protocol: ["integer", -Infinity], server: { name: "string", version: "string" }, templates: ["array", template] }
