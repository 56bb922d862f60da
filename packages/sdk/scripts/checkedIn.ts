import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Files that are written from a source and checked in: how those in a folder stand to what they should be. */
export function compareFolder(directory: string, files: ReadonlyMap<string, string>) {
  const present = existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    : []
  const differing = [...files].filter(
    ([name, text]) => !present.includes(name) || readFileSync(join(directory, name), 'utf8') !== text,
  )
  const surplus = present.filter((name) => !files.has(name))
  return {
    wrong: [...differing.map(([name]) => name), ...surplus],
    write() {
      for (const name of surplus) rmSync(join(directory, name))
      for (const [name, text] of differing) {
        mkdirSync(dirname(join(directory, name)), { recursive: true })
        writeFileSync(join(directory, name), text)
      }
    },
  }
}
