import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'
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
    (selector) =>
      !themes.includes(selector) && !/^(:where\(\[data-theme="\w+"\]\) )?\.trainstop-/.test(selector),
  )
  expect(foreign).toEqual([])
})

it('sets no public custom property, but the colour scheme for a theme', () => {
  const set = [...body.matchAll(/(--trainstop-[a-z0-9-]+):/g)].map(([, name]) => name)
  expect([...new Set(set)]).toEqual(['--trainstop-color-scheme'])
})

it('keeps its colours where a bundler replaces light-dark() for older browsers, as Vite does by default', async () => {
  const built = (await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      cssTarget: ['chrome111', 'safari16.4'],
      rollupOptions: { input: fileURLToPath(new URL('./styles.css', import.meta.url)) },
    },
  })) as Rolldown.RolldownOutput
  const sheet = built.output.find(({ fileName }) => fileName.endsWith('.css'))
  const lowered = sheet?.type === 'asset' ? String(sheet.source) : ''
  const set = (selector: string, light: string, dark: string) =>
    `${selector}{--lightningcss-light:${light};--lightningcss-dark:${dark}`
  expect(lowered).toContain('--_bg:var(--trainstop-background,var(--lightningcss-light,#fff)')
  expect(lowered).toContain(set('.trainstop-root', 'initial', ' '))
  expect(lowered).toMatch(
    /prefers-color-scheme:dark\)\{\.trainstop-root\{--lightningcss-light: ;--lightningcss-dark:initial/,
  )
  expect(lowered).toContain(set('.trainstop-root:where([data-theme=light])', 'initial', ' '))
  expect(lowered).toContain(set('.trainstop-root:where([data-theme=dark])', ' ', 'initial'))
  expect(lowered).toContain(`style(--trainstop-color-scheme:dark){${set('.trainstop-root', ' ', 'initial')}`)
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
