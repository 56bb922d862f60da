// One context, whichever entry a part comes from: rendered on a server, with the packed files.
import { StopTrainingButton, TrainstopProvider } from '@trainstop/react'
import { MetricChart } from '@trainstop/react/chart'
import { createTrainingClient, http } from '@trainstop/sdk'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'

const client = createTrainingClient({ transport: http({ url: 'http://127.0.0.1:9/api/training' }) })
const parts = [
  createElement(StopTrainingButton, { key: 'button', jobId: 'job_1' }),
  createElement(MetricChart, { key: 'chart', jobId: 'job_1' }),
]
renderToString(createElement(TrainstopProvider, { client }, parts))
console.log('rendered')
