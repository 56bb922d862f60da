import { type ServerErrorCode, serverErrorStatus } from '../../src/protocol'
import { type Route, routes } from './routes'

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
/** Open routes too: a foreign host name or page, a token in the URL. */
const everywhere: ServerErrorCode[] = ['invalid_request', 'forbidden', 'internal']
/** `server_unreachable`: the provider of people's keys, without which their tokens can't be judged. */
const closed: ServerErrorCode[] = ['unauthenticated', 'rate_limited', 'server_unreachable']

/** OpenAPI 3.1 of protocol v1, from the routes and the published schemas. */
export function openApi(components: Record<string, unknown>) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    Object.assign(paths[route.path] as object, { [route.method]: operation(route) })
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Trainstop',
      version: '1',
      description: 'Stop, pause, resume and watch machine-learning training runs.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/api/training' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: components,
    },
  }
}

function operation(route: Route) {
  const answer = route.stream
    ? { 'text/event-stream': { schema: sentEvent(route.answer) } }
    : { 'application/json': { schema: ref(route.answer) } }
  const codes = [
    ...new Set([...route.errors, ...everywhere, ...(route.open ? [] : closed)]),
  ] as ServerErrorCode[]
  const byStatus = byHttpStatus(codes, statusesOfInvalidRequest(route))
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...(route.open && { security: [] }),
    parameters: [
      ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' },
      })),
      ...Object.entries(route.query ?? {}).map(([name, description]) => ({
        name,
        in: 'query',
        description,
        schema: { type: ['offset', 'limit', 'attempt', 'max_points'].includes(name) ? 'integer' : 'string' },
      })),
      ...Object.entries(route.headers ?? {}).map(([name, description]) => ({
        name,
        in: 'header',
        description,
        schema: { type: 'string' },
      })),
    ],
    ...(route.body && {
      requestBody: {
        required: route.bodyRequired ?? false,
        content: { 'application/json': { schema: ref(route.body) } },
      },
    }),
    responses: {
      [route.success ?? 200]: { description: 'Done.', content: answer },
      ...(route.etag && { 304: { description: 'If-None-Match has its ETag: nothing has changed.' } }),
      ...(route.notReady && {
        503: { description: 'Not ready.', content: answer },
      }),
      ...Object.fromEntries(
        [...byStatus].map(([status, codes]) => [
          status,
          { description: codes.join(', '), content: { 'application/json': { schema: ref('Error') } } },
        ]),
      ),
    },
  }
}

/** One server-sent event: its data is the JSON of what is streamed. */
function sentEvent(name: string) {
  return {
    type: 'object',
    properties: {
      event: { type: 'string' },
      id: { type: 'string', description: '`<generation>.<seq>`, where it is a place to go on from.' },
      data: { type: 'string', contentMediaType: 'application/json', contentSchema: ref(name) },
    },
    required: ['event', 'data'],
  }
}

function operationId(route: Route): string {
  const words = route.path.split('/').filter((part) => part && !part.startsWith('{'))
  return [route.method, ...words].join('_')
}

/** Too large, no JSON, no sense: see `errorAnswer`. */
function statusesOfInvalidRequest(route: Route): number[] {
  return [400, ...(route.body ? [413, 415] : []), ...(route.body || route.query ? [422] : [])]
}

function byHttpStatus(codes: ServerErrorCode[], invalidRequest: number[]): Map<number, ServerErrorCode[]> {
  const groups = new Map<number, ServerErrorCode[]>()
  for (const code of codes) {
    for (const status of code === 'invalid_request' ? invalidRequest : [serverErrorStatus[code]]) {
      groups.set(status, [...(groups.get(status) ?? []), code])
    }
  }
  return groups
}
