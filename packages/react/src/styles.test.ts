import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const css = readFileSync(new URL('./styles.css', import.meta.url), 'utf8').replace(/\/\*.*?\*\//gs, '')
const body = css.slice(css.indexOf('{') + 1, css.lastIndexOf('}'))

/** Every selector, those in media queries too. */
function selectors(): string[] {
  return [...body.matchAll(/([^{};]+)\{/g)]
    .map(([, selector]) => (selector as string).trim())
    .filter((selector) => !selector.startsWith('@') && !/^(from|to|\d+%)$/.test(selector))
}

it('lies in one cascade layer, so that any style of the host wins', () => {
  expect(css.trim().startsWith('@layer trainstop {')).toBe(true)
  let depth = 0
  const ends = [...css].findIndex((character) => {
    if (character === '{') depth += 1
    if (character === '}') depth -= 1
    return character === '}' && depth === 0
  })
  expect(css.slice(ends + 1).trim()).toBe('')
})

it('touches nothing that is not its own', () => {
  expect(selectors().length).toBeGreaterThan(100)
  const themes = ['[data-theme="light"]', '[data-theme="dark"]']
  const foreign = selectors().filter(
    (selector) => !themes.includes(selector) && !/^\.trainstop-/.test(selector),
  )
  expect(foreign).toEqual([])
})

it('sets no public custom property, but the colour scheme for a theme', () => {
  const set = [...body.matchAll(/(--trainstop-[a-z0-9-]+):/g)].map(([, name]) => name)
  expect([...new Set(set)]).toEqual(['--trainstop-color-scheme'])
})

it('documents every public custom property in the readme', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const read = new Set([...body.matchAll(/var\((--trainstop-[a-z0-9-]+)/g)].map(([, name]) => name as string))
  const missing = [...read].filter(
    (name) => !readme.includes(`\`${name}\``) && !name.startsWith('--trainstop-ansi-'),
  )
  expect(missing).toEqual([])
})

it('moves nothing for those who asked for less motion', () => {
  const still = body.slice(0, body.indexOf('@media (prefers-reduced-motion: no-preference)'))
  expect(still.match(/^\s+animation:.*|^\s+transition:.*/gm)?.map((line) => line.trim())).toEqual([
    'transition: color 1ms;',
  ])
})
