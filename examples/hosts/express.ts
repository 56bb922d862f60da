import { createTrainingHandler } from '@trainstop/sdk/server'
import express from 'express'
import { currentUser } from './currentUser'
import { expressHandler } from './expressHandler'

const handler = createTrainingHandler({
  authenticate: currentUser,
  trainingServer: {
    url: process.env.TRAINSTOP_URL ?? 'http://127.0.0.1:8321',
    token: process.env.TRAINSTOP_TOKEN ?? '',
  },
})

export const app = express()

// Before `compression` and its like: they hold event streams back.
app.use('/api/training', expressHandler(handler))
