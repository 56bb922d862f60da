import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createContext, Script } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from './training-stack'

const execute = promisify(execFile)
const workspace = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const sdk = JSON.parse(readFileSync(join(root, 'packages/sdk/package.json'), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'trainstop-sdk-alone-'))
const app = join(folder, 'app')

const compilers = ['5.6.3', '5.7.3', '5.8.3', '5.9.3', workspace.devDependencies.typescript, '7.0.2']
/** The oldest, the workspace's own, the newest. */
const someCompilers = [compilers[0], compilers[4], compilers[5]]
const node22 = `node-${process.platform}-${process.arch}`

beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  await execute('npx', ['--yes', workspace.packageManager, 'pack', '--pack-destination', folder], {
    cwd: join(root, 'packages/sdk'),
  })
  const tarball = readdirSync(folder).find((entry) => entry.endsWith('.tgz'))
  cpSync(join(root, 'tests/sdk-alone'), app, { recursive: true })
  const dependencies = {
    '@trainstop/sdk': `file:${join(folder, tarball ?? 'no tarball was packed')}`,
    '@tanstack/query-core': sdk.devDependencies['@tanstack/query-core'],
    '@types/node': workspace.devDependencies['@types/node'],
    [node22]: '22.23.2',
    ...Object.fromEntries(compilers.map((version) => [`typescript-${version}`, `npm:typescript@${version}`])),
  }
  const manifest = { name: 'an-app-with-the-sdk-alone', private: true, type: 'module', dependencies }
  writeFileSync(join(app, 'package.json'), JSON.stringify(manifest))
  await execute('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: app })
}, 600_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the packed SDK stops a job', () => {
  const journey = {
    ...{ read: 'running', seen: ['running', 'stopping', 'cancelled'] },
    ...{ refused: 401, query: 'function', schema: true },
  }

  it.each(['esm.mjs', 'cjs.cjs'])(`under Node ${process.versions.node}, by %s`, async (file) => {
    const { stdout } = await execute(process.execPath, [file], { cwd: app })
    expect(JSON.parse(stdout)).toEqual(journey)
  })

  it.each(['esm.mjs', 'cjs.cjs'])('under Node 22, by %s', async (file) => {
    const node = join(app, 'node_modules', node22, 'bin/node')
    const { stdout: version } = await execute(node, ['--version'])
    expect(version).toMatch(/^v22\./)
    const { stdout } = await execute(node, [file], { cwd: app })
    expect(JSON.parse(stdout)).toEqual(journey)
  })
})

describe('the types of the packed SDK', () => {
  const compile = (version: string, ...more: string[]) =>
    execute(
      process.execPath,
      [
        join(app, 'node_modules', `typescript-${version}`, 'bin/tsc'),
        ...['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit'],
        ...['--skipLibCheck', 'false', '--target', 'ES2022', '--types', 'node', ...more, 'types.ts'],
      ],
      { cwd: app },
    ).catch((error) => expect.fail(error.stdout))

  it.each(compilers)('pass TypeScript %s, as Node resolves modules', async (version) => {
    await compile(
      version,
      '--moduleResolution',
      'NodeNext',
      '--module',
      'NodeNext',
      '--lib',
      'ES2022,DOM,DOM.Iterable',
    )
  })

  it.each(someCompilers)(
    'pass TypeScript %s, as bundlers resolve modules, without the DOM',
    async (version = '') => {
      await compile(version, '--moduleResolution', 'Bundler', '--module', 'ESNext', '--lib', 'ES2022')
    },
  )
})

describe('the SDK in React Native', () => {
  const entries = ['index', 'query', 'protocol']

  it.each(entries)('can be imported as %s where there is nothing but the language', (entry) => {
    const context = createContext({})
    const modules = new Map<string, { exports: object }>()
    const run = (file: string): object => {
      const known = modules.get(file)
      if (known) return known.exports
      const module = { exports: {} }
      modules.set(file, module)
      const source = `(function (module, exports, require) {${readFileSync(file, 'utf8')}\n})`
      const wrapped = new Script(source, { filename: file }).runInContext(context)
      const { resolve } = createRequire(file)
      wrapped(module, module.exports, (name: string) => run(resolve(name)))
      return module.exports
    }
    const exported = run(join(app, `node_modules/@trainstop/sdk/dist/${entry}.cjs`))
    expect(Object.keys(exported).length).toBeGreaterThan(5)
  })

  it('has no regular expression that its engine may refuse', () => {
    const dist = join(app, 'node_modules/@trainstop/sdk/dist')
    const texts = ['index.cjs', 'query.cjs'].map((file) => readFileSync(join(dist, file), 'utf8'))
    for (const text of texts) expect(text).not.toMatch(/\\p\{|\(\?<[=!]/)
  })
})
