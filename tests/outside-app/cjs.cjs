const { cancelJob, createTrainingClient, http } = require('@trainstop/sdk')
const { jobQueryOptions } = require('@trainstop/sdk/query')
const { createTrainingHandler } = require('@trainstop/sdk/server')
const { StopTrainingButton } = require('@trainstop/react')
const { MetricChart } = require('@trainstop/react/chart')

const names = {
  cancelJob,
  createTrainingClient,
  http,
  jobQueryOptions,
  createTrainingHandler,
  StopTrainingButton,
  MetricChart,
}
console.log(
  JSON.stringify(Object.fromEntries(Object.entries(names).map(([name, value]) => [name, typeof value]))),
)
