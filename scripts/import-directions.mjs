#!/usr/bin/env node
/**
 * Who may import whom in the TypeScript packages, as docs/architecture.md says it. Fails on every import that goes
 * another way, on circles of files, and on packages that a room has no business with.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { inRoot } from './paths.mjs'

/** Of each room (a folder below `src`): which others it may import, and which packages. */
const sdk = {
  protocol: {},
  'protocol/schemas': { rooms: ['protocol'], packages: ['zod/mini'] },
  errors: { rooms: ['protocol'] },
  state: { rooms: ['protocol', 'errors'] },
  body: {},
  transports: { rooms: ['protocol', 'errors', 'state', 'body'] },
  client: { rooms: ['protocol', 'errors', 'state', 'transports'] },
  actions: { rooms: ['protocol', 'errors', 'state', 'transports', 'client'] },
  query: { rooms: ['protocol', 'errors', 'state', 'client', 'actions'], packages: ['@tanstack/query-core'] },
  server: { rooms: ['protocol', 'errors', 'body'], packages: ['zod/mini'] },
}
const withQueries = ['react', '@trainstop/sdk', '@trainstop/sdk/query', '@tanstack/react-query']
const react = {
  format: { packages: ['@trainstop/sdk'] },
  log: {},
  messages: { rooms: ['format'], packages: ['@trainstop/sdk'] },
  state: { rooms: ['log'], packages: ['react', '@trainstop/sdk'] },
  provider: { rooms: ['messages', 'state'], packages: withQueries },
  hooks: { rooms: ['state', 'provider'], packages: withQueries },
  components: {
    rooms: ['format', 'log', 'messages', 'state', 'provider', 'hooks'],
    packages: ['react', '@trainstop/sdk'],
  },
  chart: { rooms: ['format'], packages: ['react', 'uplot', '@trainstop/sdk', '@trainstop/react'] },
}
const rules = { 'packages/sdk': sdk, 'packages/react': react }
/** Of tests and for tests: they may import everything, and nothing else may import them. */
const forTests = /(^|\/)(scripted|testing)\/|\.(test|stories)\.tsx?$/

const problems = Object.entries(rules).flatMap(([path, rooms]) => problemsOf(path, rooms))
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error('docs/architecture.md, "Rooms", says which way imports run.')
  process.exitCode = 1
} else console.log('Every import runs the way docs/architecture.md says.')

function problemsOf(path, rooms) {
  const src = inRoot(path, 'src')
  const files = readdirSync(src, { recursive: true })
    .map((file) => file.split('\\').join('/'))
    .filter((file) => /\.tsx?$/.test(file) && !forTests.test(file))
  const known = new Set(files)
  const imports = new Map(files.map((file) => [file, importsOf(src, file, known)]))
  const found = []
  for (const [file, targets] of imports) {
    const room = roomOf(file, rooms)
    if (room === undefined) {
      if (file.includes('/'))
        found.push(`${path}/src/${file}: this room is not in scripts/import-directions.mjs.`)
      continue
    }
    const { rooms: others = [], packages = [] } = rooms[room]
    for (const { name, target } of targets) {
      const there = target && roomOf(target, rooms)
      if (target === undefined && !packages.includes(name))
        found.push(`${path}/src/${file}: ${room} may not import ${name}.`)
      else if (target && there !== room && !others.includes(there))
        found.push(`${path}/src/${file}: ${room} may not import ${there ?? target}.`)
    }
  }
  return [...found, ...circles(imports).map((circle) => `${path}/src: a circle: ${circle.join(' → ')}.`)]
}

function roomOf(file, rooms) {
  const within = Object.keys(rooms).filter((room) => file.startsWith(`${room}/`))
  return within.sort((a, b) => b.length - a.length)[0]
}

/** What a file imports or exports from; `target` is undefined for a package. Types cost nothing, but have a direction too. */
function importsOf(src, file, known) {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(src, file), 'utf8'))
  const typeOnly = typeOnlyImports(src, file)
  return importedFiles.map(({ fileName: name }) => {
    if (!name.startsWith('.')) return { name }
    const at = relative(src, join(src, dirname(file), name))
    const target = [at, `${at}.ts`, `${at}.tsx`, `${at}/index.ts`].find((candidate) => known.has(candidate))
    if (!target) throw new Error(`${file} imports ${name}, which is not there or only for tests.`)
    return { name, target, typeOnly: typeOnly.has(name) }
  })
}

function typeOnlyImports(src, file) {
  const { statements } = ts.createSourceFile(
    file,
    readFileSync(join(src, file), 'utf8'),
    ts.ScriptTarget.ES2022,
  )
  const value = new Set()
  const all = new Set()
  for (const statement of statements) {
    const from = statement.moduleSpecifier?.text
    if (!from) continue
    all.add(from)
    const clause = statement.importClause
    const names = clause?.namedBindings?.elements ?? statement.exportClause?.elements
    const onlyTypes =
      statement.isTypeOnly ||
      clause?.isTypeOnly ||
      (!clause?.name && names?.length > 0 && names.every((element) => element.isTypeOnly))
    if (!onlyTypes) value.add(from)
  }
  return new Set([...all].filter((from) => !value.has(from)))
}

/** Circles of imports that remain at run time. */
function circles(imports) {
  const found = []
  const done = new Set()
  const visit = (file, way) => {
    if (way.includes(file)) found.push([...way.slice(way.indexOf(file)), file])
    if (way.includes(file) || done.has(file)) return
    for (const { target, typeOnly } of imports.get(file) ?? [])
      if (target && !typeOnly) visit(target, [...way, file])
    done.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  return found
}
