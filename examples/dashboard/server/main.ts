import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createAdaptorServer } from '@hono/node-server'
import { createApp } from './app'

function required(name: string): string {
  const value = process.env[name]
  if (value) return value
  console.error(`${name} is not set. The dashboard needs TRAINSTOP_URL and TRAINSTOP_TOKEN_FILE.`)
  process.exit(1)
}

const app = createApp({
  trainingServer: {
    url: required('TRAINSTOP_URL'),
    token: readFileSync(required('TRAINSTOP_TOKEN_FILE'), 'utf8').trim(),
  },
  client: fileURLToPath(new URL('../client', import.meta.url)),
})

const server = createAdaptorServer({ fetch: app.fetch })
const fallback = process.env.PORT_FALLBACK
let port = Number(process.env.PORT ?? 4780)

server.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EADDRINUSE' && fallback && port !== Number(fallback)) {
    port = Number(fallback)
    server.listen(port, '127.0.0.1')
    return
  }
  console.error(
    error.code === 'EADDRINUSE'
      ? `Port ${port} is taken by another program. Choose another with --port.`
      : `The dashboard could not listen on port ${port}: ${error.message}`,
  )
  process.exit(1)
})
server.on('listening', () => {
  console.log(`Listening: http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
})
server.listen(port, '127.0.0.1')

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    server.close(() => process.exit(0))
    // Event streams never end by themselves.
    if ('closeAllConnections' in server) server.closeAllConnections()
  })
