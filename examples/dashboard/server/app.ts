import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serveStatic } from '@hono/node-server/serve-static'
import { createTrainingHandler } from '@trainstop/sdk/server'
import { Hono } from 'hono'
import { signIn, userOf, users } from './session'

export interface AppOptions {
  trainingServer: { url: string; token: string }
  /** Directory of the built page. */
  client: string
}

/** The host app: its own sign-in, its own pages, and one route that Trainstop's handler answers. */
export function createApp({ trainingServer, client }: AppOptions): Hono {
  const app = new Hono()

  // A page of another name that resolves to this machine must not reach us (DNS rebinding).
  app.use(async (context, next) => {
    const host = context.req.header('host') ?? ''
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host))
      return context.text('This dashboard answers on this machine only.', 403)
    await next()
  })

  const training = createTrainingHandler({
    authenticate: (request) => userOf(request),
    trainingServer,
  })
  app.all('/api/training/*', (context) => training(context.req.raw))

  app.get('/api/me', (context) => context.json({ user: userOf(context.req.raw), users }))
  app.post('/api/sign-in/:user', (context) => {
    const user = users.find(({ id }) => id === context.req.param('user'))
    if (!user) return context.json({ error: 'There is no such user.' }, 404)
    context.header('set-cookie', signIn(user))
    return context.json({ user })
  })

  app.use('/assets/*', serveStatic({ root: client }))
  app.use('/icon.svg', serveStatic({ root: client }))
  app.get('*', async (context) => {
    const first = users[0]
    if (!userOf(context.req.raw) && first) context.header('set-cookie', signIn(first))
    context.header('cache-control', 'no-store')
    return context.html(await readFile(join(client, 'index.html'), 'utf8'))
  })
  return app
}
