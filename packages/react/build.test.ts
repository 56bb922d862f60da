import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const here = dirname(fileURLToPath(import.meta.url))
const out = mkdtempSync(join(tmpdir(), 'trainstop-react-build-'))
const built = (name: string) => readFileSync(join(out, name), 'utf8')
const tsup = createRequire(import.meta.url)
  .resolve('tsup/package.json')
  .replace('package.json', 'dist/cli-default.js')

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [tsup, '--out-dir', out, '--no-dts', '--silent'], { cwd: here })
})
afterAll(() => rmSync(out, { recursive: true, force: true }))

it.each(['index.js', 'index.cjs', 'chart.js', 'chart.cjs'])("begins %s with 'use client'", (name) => {
  expect(built(name)).toMatch(/^("use strict";\n)?"use client";/)
})

it.each(['chart.js', 'chart.cjs'])(
  'lets %s take the context from the main entry, so that there is one',
  (name) => {
    expect(built(name)).toMatch(/(from|require\() ?"@trainstop\/react"/)
    expect(built(name)).not.toContain('createContext')
  },
)

it.each(['index.js', 'index.cjs'])('keeps the chart library out of %s', (name) => {
  expect(built(name)).not.toContain('uplot')
})

it.each(['index.js', 'chart.js'])('bundles nothing that the host brings into %s', (name) => {
  const imports = [...built(name).matchAll(/from "([^"]+)"|import\("([^"]+)"\)/g)].map(([, a, b]) => a ?? b)
  const allowed =
    /^(react|react\/jsx-runtime|react-dom|@tanstack\/react-query|@trainstop\/(sdk|sdk\/query|react)|uplot)$/
  expect(imports.filter((from) => !allowed.test(from ?? ''))).toEqual([])
})

it('ships the stylesheet', () => {
  expect(built('styles.css')).toBe(readFileSync(join(here, 'src/styles.css'), 'utf8'))
})
