import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const folder = fileURLToPath(new URL('../../src/protocol/schemas/', import.meta.url))

/** What is said of a schema in its source: of itself, and of its fields. */
export type Docs = { own: string; fields: ReadonlyMap<string, string> }
/** Reads what zod does not keep: what is said of each schema, by the name of its constant. */
export function readDocs(): ReadonlyMap<string, Docs> {
  const docs = new Map<string, Docs>()
  for (const file of readdirSync(folder).sort()) {
    const text = readFileSync(folder + file, 'utf8')
    for (const statement of ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true).statements)
      if (ts.isVariableStatement(statement))
        for (const { name, initializer } of statement.declarationList.declarations)
          docs.set(name.getText(), { own: docOf(statement), fields: fieldsOf(initializer, docs) })
  }
  return docs
}

/** Docs of the fields of the first object literal in here; of those that are spread into it too. */
function fieldsOf(node: ts.Node | undefined, docs: Map<string, Docs>): Map<string, string> {
  const fields = new Map<string, string>()
  const literal = node && find(node, ts.isObjectLiteralExpression)
  for (const property of literal?.properties ?? []) {
    if (ts.isSpreadAssignment(property))
      for (const [key, doc] of docs.get(property.expression.getText().replace(/\.shape$/, ''))?.fields ?? [])
        fields.set(key, doc)
    else if (property.name) fields.set(property.name.getText(), docOf(property))
  }
  return fields
}

function find<T extends ts.Node>(node: ts.Node, is: (node: ts.Node) => node is T): T | undefined {
  return is(node) ? node : ts.forEachChild(node, (child) => find(child, is))
}

/** The docstring as it is written, without the indentation of its place. */
function docOf(node: ts.Node): string {
  const [last] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).slice(-1)
  return last?.getText().replace(/\n\s*/g, '\n ') ?? ''
}
