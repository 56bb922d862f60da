import { StopTrainingButton } from '@trainstop/react'
import { MetricChart } from '@trainstop/react/chart'
import { cancelJob, createTrainingClient, http } from '@trainstop/sdk'
import { jobQueryOptions } from '@trainstop/sdk/query'
import { createTrainingHandler } from '@trainstop/sdk/server'

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
