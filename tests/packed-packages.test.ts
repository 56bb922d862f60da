import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from './training-stack'

const execute = promisify(execFile)
const workspace = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const react = JSON.parse(readFileSync(join(root, 'packages/react/package.json'), 'utf8')).devDependencies
const folder = mkdtempSync(join(tmpdir(), 'trainstop-outside-'))
const app = join(folder, 'app')
const tarballs: Record<string, string> = {}

beforeAll(async () => {
  const packed = join(folder, 'packed')
  mkdirSync(packed)
  for (const name of ['sdk', 'react']) {
    await execute('npx', ['--yes', workspace.packageManager, 'pack', '--pack-destination', packed], {
      cwd: join(root, 'packages', name),
    })
    const file = readdirSync(packed).find((entry) => entry.startsWith(`trainstop-${name}-`))
    if (!file) throw new Error(`pnpm pack wrote no tarball of ${name}.`)
    tarballs[name] = join(packed, file)
  }
  cpSync(join(root, 'tests/outside-app'), app, { recursive: true })
  writeFileSync(
    join(app, 'package.json'),
    JSON.stringify({
      name: 'an-app-of-someone-else',
      private: true,
      type: 'module',
      dependencies: {
        '@trainstop/sdk': `file:${tarballs.sdk}`,
        '@trainstop/react': `file:${tarballs.react}`,
        '@tanstack/react-query': react['@tanstack/react-query'],
        '@types/react': react['@types/react'],
        react: react.react,
        'react-dom': react['react-dom'],
        typescript: workspace.devDependencies.typescript,
      },
    }),
  )
  await execute('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: app })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the packed packages, in an app outside the workspace', () => {
  const functions = {
    cancelJob: 'function',
    createTrainingClient: 'function',
    http: 'function',
    jobQueryOptions: 'function',
    createTrainingHandler: 'function',
    StopTrainingButton: expect.stringMatching(/function|object/),
    MetricChart: expect.stringMatching(/function|object/),
  }

  it.each(['esm.mjs', 'cjs.cjs'])('can be imported by %s', async (file) => {
    const { stdout } = await execute(process.execPath, [file], { cwd: app })
    expect(JSON.parse(stdout)).toEqual(functions)
  })

  it('render on a server', async () => {
    const { stdout } = await execute(process.execPath, ['render.mjs'], { cwd: app })
    expect(stdout.trim()).toBe('rendered')
  })

  it.each([
    ['Bundler', 'ESNext'],
    ['NodeNext', 'NodeNext'],
  ])('type-check with moduleResolution %s', async (moduleResolution, module) => {
    const options = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--skipLibCheck', 'false']
    const libraries = [
      '--lib',
      'ES2022,DOM,DOM.Iterable,DOM.AsyncIterable',
      '--jsx',
      'react-jsx',
      '--types',
      'react',
    ]
    await execute(
      join(app, 'node_modules/.bin/tsc'),
      [...options, ...libraries, '--moduleResolution', moduleResolution, '--module', module, 'types.ts'],
      { cwd: app },
    ).catch((error) => expect.fail(error.stdout))
  })

  it.each(['sdk', 'react'])('%s is clean for publint', async (name) => {
    const { stdout } = await execute(join(root, 'node_modules/.bin/publint'), [
      tarballs[name] ?? '',
      '--strict',
    ])
    expect(stdout).toContain('All good!')
  })

  it.each(['sdk', 'react'])('%s is clean for are-the-types-wrong', async (name) => {
    const attw = join(root, 'node_modules/.bin/attw')
    const styles = name === 'react' ? ['--exclude-entrypoints', 'styles.css'] : []
    await execute(attw, [tarballs[name] ?? '', '--profile', 'node16', ...styles]).catch((error) =>
      expect.fail(error.stdout),
    )
  })

  it('carry a licence, a readme, no test and no source of one', async () => {
    for (const name of ['sdk', 'react']) {
      const { stdout } = await execute('tar', ['-tzf', tarballs[name] ?? ''])
      const files = stdout.trim().split('\n')
      expect(files).toEqual(
        expect.arrayContaining(['package/LICENSE', 'package/README.md', 'package/dist/index.js']),
      )
      expect(files.filter((file) => file.includes('.test.'))).toEqual([])
    }
  })
})
