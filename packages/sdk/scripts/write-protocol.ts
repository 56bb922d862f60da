/**
 * Writes what is made of the schemas: to `packages/sdk/protocol/` protocol v1 as OpenAPI 3.1, one JSON Schema and one file
 * of test vectors per schema; to `src/protocol/compiled/` the types and the tables by which the SDK checks without zod.
 * With `--check` it writes nothing and fails when what is checked in differs.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod/mini'
import * as schemaExports from '../src/protocol/schemas'
import { compareFolder } from './checkedIn'
import { readDocs } from './compiled/docs'
import { readSchemas } from './compiled/readSchemas'
import { tablesModule } from './compiled/tables'
import { typesModule } from './compiled/types'
import { openApi } from './protocol/openapi'
import { type SchemaName, schemas } from './protocol/schemas'
import { vectors } from './protocol/vectors'

const packageFolder = fileURLToPath(new URL('..', import.meta.url))

function jsonSchemas(uri: (id: string) => string): Record<string, Record<string, unknown>> {
  const registry = z.registry<{ id: string }>()
  for (const [name, schema] of Object.entries(schemas)) registry.add(schema as z.ZodMiniType, { id: name })
  return z.toJSONSchema(registry, { io: 'input', uri }).schemas as Record<string, Record<string, unknown>>
}

/** A vector that contradicts the schema would teach the other side wrong. */
function checkedVectors(name: SchemaName) {
  for (const { name: title, value } of vectors[name].valid) {
    const parsed = schemas[name].safeParse(value)
    if (!parsed.success) throw new Error(`${name}: "${title}" should be valid: ${parsed.error.message}`)
  }
  for (const { name: title, value } of vectors[name].invalid) {
    if (schemas[name].safeParse(value).success) throw new Error(`${name}: "${title}" should be invalid`)
  }
  return { schema: name, ...vectors[name] }
}

/** One vector a line: a difference then shows which. */
function vectorFile(name: SchemaName): string {
  const { schema, valid, invalid } = checkedVectors(name)
  const lines = (list: unknown[]) => list.map((vector) => `    ${JSON.stringify(vector)}`).join(',\n')
  return `{\n  "schema": "${schema}",\n  "valid": [\n${lines(valid)}\n  ],\n  "invalid": [\n${lines(invalid)}\n  ]\n}\n`
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
const files = new Map<string, string>()
for (const [name, schema] of Object.entries(jsonSchemas((id) => `${id}.json`)))
  files.set(`schemas/${name}.json`, json({ ...schema, $id: `${name}.json`, title: name }))
const components = Object.entries(jsonSchemas((id) => `#/components/schemas/${id}`)).map(([name, schema]) => {
  const { $schema: _, $id: __, ...component } = schema
  return [name, component] as const
})
files.set('openapi.json', json(openApi(Object.fromEntries(components))))
for (const name of Object.keys(schemas) as SchemaName[]) files.set(`vectors/${name}.json`, vectorFile(name))

const all = schemaExports as unknown as Record<string, z.ZodMiniType>
const names = new Map(Object.entries(all).map(([name, schema]) => [schema, name]))
const compiled = new Map([
  ['tables.ts', tablesModule(readSchemas, names)],
  ['types.ts', typesModule(all, readDocs())],
])

const folders = [
  { name: 'packages/sdk/protocol', state: compareFolder(join(packageFolder, 'protocol'), files) },
  {
    name: 'packages/sdk/src/protocol/compiled',
    state: compareFolder(join(packageFolder, 'src/protocol/compiled'), compiled),
  },
]
const wrong = folders.flatMap(({ name, state }) => state.wrong.map((file) => `${name}/${file}`))
const total = files.size + compiled.size

if (process.argv.includes('--check')) {
  if (wrong.length > 0) {
    console.error(
      `These differ from the schemas in packages/sdk/src/protocol/schemas: ${wrong.join(', ')}.\nRun \`npm run protocol\` and commit what it writes.`,
    )
    process.exit(1)
  }
  console.log(`Protocol: ${total} files are as the schemas say.`)
} else {
  for (const { state } of folders) state.write()
  console.log(`Protocol: wrote or removed ${wrong.length} of ${total} files.`)
}
