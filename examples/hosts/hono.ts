import { createTrainingHandler } from '@trainstop/sdk/server'
import { Hono } from 'hono'
import { currentUser } from './currentUser'

const handler = createTrainingHandler({
  authenticate: currentUser,
  trainingServer: {
    url: process.env.TRAINSTOP_URL ?? 'http://127.0.0.1:8321',
    token: process.env.TRAINSTOP_TOKEN ?? '',
  },
})

export const app = new Hono()

app.all('/api/training/*', (context) => handler(context.req.raw))
