import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const snippets = [...readFileSync(`${root}/README.md`, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code], i) => ({ name: `${root}/src/readme-snippet-${i}.ts`, code: code ?? '' }),
)

it('every snippet of the readme compiles', () => {
  const { config } = ts.readConfigFile(`${root}/../../tsconfig.json`, ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const paths = {
    '@trainstop/sdk': ['./src/index.ts'],
    '@trainstop/sdk/query': ['./src/query/index.ts'],
    '@trainstop/sdk/server': ['./src/server/index.ts'],
    '@trainstop/sdk/testing': ['./src/testing/index.ts'],
  }
  const settings = { ...options, paths, noEmit: true, types: ['node'] }
  const host = ts.createCompilerHost(settings)
  const { getSourceFile, fileExists } = host
  const snippet = (file: string) => snippets.find(({ name }) => name === file)
  host.fileExists = (file) => snippet(file) !== undefined || fileExists(file)
  host.getSourceFile = (file, ...rest) => {
    const found = snippet(file)
    return found
      ? ts.createSourceFile(file, found.code, ts.ScriptTarget.ES2022)
      : getSourceFile(file, ...rest)
  }
  const program = ts.createProgram(
    snippets.map(({ name }) => name),
    settings,
    host,
  )
  const problems = ts.getPreEmitDiagnostics(program).map((problem) => {
    const line = problem.start && problem.file?.getLineAndCharacterOfPosition(problem.start).line
    return `${problem.file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`
  })
  expect(problems).toEqual([])
  expect(snippets.length).toBeGreaterThan(4)
}, 120_000)
