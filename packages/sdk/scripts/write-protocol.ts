/**
 * Writes protocol v1 to `packages/sdk/protocol/`: OpenAPI 3.1, one JSON Schema and one file of test vectors per schema.
 * With `--check` it writes nothing and fails when what is checked in differs.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod/mini'
import { openApi } from './protocol/openapi'
import { type SchemaName, schemas } from './protocol/schemas'
import { vectors } from './protocol/vectors'

const directory = join(dirname(fileURLToPath(import.meta.url)), '..', 'protocol')

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

const present = existsSync(directory)
  ? readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
  : []
const differing = [...files].filter(
  ([name, text]) => !present.includes(name) || readFileSync(join(directory, name), 'utf8') !== text,
)
const surplus = present.filter((name) => !files.has(name))

if (process.argv.includes('--check')) {
  const names = [...differing.map(([name]) => name), ...surplus]
  if (names.length > 0) {
    console.error(
      `packages/sdk/protocol differs from the schemas in packages/sdk/src/protocol: ${names.join(', ')}.\nRun \`npm run protocol\` and commit what it writes.`,
    )
    process.exit(1)
  }
  console.log(`Protocol: ${files.size} files are as the schemas say.`)
} else {
  for (const name of surplus) rmSync(join(directory, name))
  for (const [name, text] of differing) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  console.log(`Protocol: wrote ${differing.length}, removed ${surplus.length} of ${files.size} files.`)
}
