import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as queryCore from '@tanstack/query-core'
import ts from 'typescript'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as sdk from './index'
import * as query from './query/index'
import * as server from './server/index'
import { createMockTrainingServer } from './testing/index'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const repository = resolve(root, '../..')
const react = resolve(root, '../react')

/** The snippets of a readme in these languages, as they stand there. */
function snippetsOf(readme: string): { language: string; code: string }[] {
  const found = readFileSync(readme, 'utf8').matchAll(/```(ts|tsx)\n([\s\S]*?)```/g)
  return [...found].map(([, language = '', code = '']) => ({ language, code }))
}
const own = snippetsOf(`${root}/README.md`)
/** What the repository's readme leaves to the reader's own app. */
const readers =
  'declare function currentUser(request: Request): Promise<{ id: string; name: string } | null>\n'
const repositorys = snippetsOf(`${repository}/README.md`).map(({ language, code }) => ({
  language,
  code: code.includes('currentUser') ? readers + code : code,
}))

it('every snippet of the readmes compiles', () => {
  const { config } = ts.readConfigFile(`${repository}/tsconfig.json`, ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const paths = {
    '@trainstop/sdk': ['./src/index.ts'],
    '@trainstop/sdk/query': ['./src/query/index.ts'],
    '@trainstop/sdk/server': ['./src/server/index.ts'],
    '@trainstop/sdk/testing': ['./src/testing/index.ts'],
    '@trainstop/react': ['../react/src/index.ts'],
    '@trainstop/react/styles.css': ['../react/src/styles.css'],
  }
  // Beside what they import: there their packages are found.
  const files = [...own, ...repositorys].map(({ language, code }, i) => ({
    name: `${language === 'tsx' ? react : root}/src/readme-snippet-${i}.${language}`,
    code,
  }))
  const css = { name: `${react}/src/styles.css.d.ts`, code: 'export {}' }
  const virtual = new Map([...files, css].map(({ name, code }) => [name, code]))
  const settings = {
    ...options,
    ...{ paths, noEmit: true, types: ['node'], jsx: ts.JsxEmit.ReactJSX, allowArbitraryExtensions: true },
  }
  const host = ts.createCompilerHost(settings)
  const { getSourceFile, fileExists } = host
  host.fileExists = (file) => virtual.has(file) || fileExists(file)
  host.getSourceFile = (file, ...rest) => {
    const code = virtual.get(file)
    return code === undefined
      ? getSourceFile(file, ...rest)
      : ts.createSourceFile(file, code, ts.ScriptTarget.ES2022)
  }
  const program = ts.createProgram([...files.map(({ name }) => name), css.name], settings, host)
  const problems = ts.getPreEmitDiagnostics(program).map((problem) => {
    const line = problem.start && problem.file?.getLineAndCharacterOfPosition(problem.start).line
    return `${problem.file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`
  })
  expect(problems).toEqual([])
  expect(own.length).toBeGreaterThan(7)
  expect(repositorys.length).toBeGreaterThan(1)
}, 240_000)

describe('run, before a training server in memory,', () => {
  let training = createMockTrainingServer()
  const printed = vi.fn()

  beforeEach(() => {
    training = createMockTrainingServer()
    vi.stubGlobal('fetch', training.fetch)
  })
  afterEach(() => {
    training.close()
    printed.mockClear()
  })

  const modules: Record<string, object> = {
    '@trainstop/sdk': sdk,
    '@trainstop/sdk/query': query,
    '@trainstop/sdk/server': server,
    '@tanstack/query-core': queryCore,
  }
  /** Runs the one snippet that has this in it; `given` is what it declares and does not have. */
  async function run(snippets: typeof own, marked: string, given: Record<string, unknown> = {}) {
    const [snippet, ...more] = snippets.filter(({ code }) => code.includes(marked))
    if (!snippet || more.length > 0) throw new Error(`Not one snippet has "${marked}" in it.`)
    const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 }
    const { outputText } = ts.transpileModule(snippet.code, { compilerOptions })
    const names = { exports: {} as Record<string, never>, console: { log: printed }, ...given }
    const AsyncFunction = run.constructor as FunctionConstructor
    const body = new AsyncFunction('require', ...Object.keys(names), outputText)
    await body((name: string) => modules[name], ...Object.values(names))
    return names.exports as Record<string, (...args: unknown[]) => unknown>
  }
  const signedIn = { currentUser: async () => ({ id: 'u_1', name: 'Ada', team: 'a' }) }
  const ask = (path: string, init: RequestInit = {}) =>
    new Request(`http://localhost/api/training${path}`, {
      headers: { 'sec-fetch-site': 'same-origin' },
      ...init,
    })

  it('"Stop a run" stops a run, and says it where the answer tells of no job', async () => {
    const { stop } = await run(own, 'export async function stop(')
    const jobId = training.createJobIn('running')
    expect(await stop?.(jobId)).toMatch(/^Stopping, at the latest by \d{4}-/)
    expect(training.job(jobId).status).toBe('stopping')
    expect(await stop?.('job_that_never_was')).toBe('There is no such job here.')
  })

  it('"Watch a run" tells what happens, and stops watching', async () => {
    const { follow, stopWatching } = await run(own, 'export async function follow(', {
      accessToken: async () => 'secret',
    })
    stopWatching?.()
    const jobId = training.createJobIn('cancelled')
    await follow?.(jobId, new AbortController().signal)
    expect(printed.mock.calls.map(([status]) => status)).toContain('cancelled')
  })

  it('"TanStack Query" reads and stops', async () => {
    training.createJobIn('running', { id: 'job_1' })
    const { job, cancel } = (await run(own, 'new MutationObserver(')) as unknown as {
      job: sdk.Job
      cancel: queryCore.MutationObserver<unknown, Error, object>
    }
    expect(job).toMatchObject({ id: 'job_1', status: 'running' })
    expect(await cancel.mutate({ jobId: 'job_1' })).toMatchObject({ outcome: 'accepted' })
  })

  it.each([
    ["this readme's route", own, 'audit: ('],
    ["this readme's route with a rule of its own", own, 'teamOf(job.owner)'],
    ["the repository's route", repositorys, 'currentUser(request), //'],
  ])('%s lets in who is signed in, and nobody else', async (_, snippets, marked) => {
    const handlerOf = async (given: Record<string, unknown>) => {
      const process = { env: { TRAINSTOP_URL: 'http://127.0.0.1:8321', TRAINSTOP_TOKEN: 'secret' } }
      const exported = await run(snippets, marked, { process, teamOf: async () => 'a', ...given })
      return (exported.GET ?? exported.handler) as (request: Request) => Promise<Response>
    }
    const open = await handlerOf(signedIn)
    const jobs = await open(ask('/jobs'))
    expect([jobs.status, (await jobs.json()).success]).toEqual([200, true])
    const closed = await handlerOf({ currentUser: async () => null })
    expect((await closed(ask('/jobs'))).status).toBe(401)
  })
})
