/**
 * What an app loads to stop and watch a job with the SDK, and what it loads for the smallest client of others. Measured
 * alike: esbuild through size-limit, minified, gzip, all dependencies counted. The others come from npm, into a folder
 * that is kept beside the repository's other caches.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../training-stack'

const peers: { name: string; packages: string[]; imports: string; from: string }[] = [
  { name: 'replicate (no stream)', packages: ['replicate@1.4.0'], imports: 'Replicate', from: 'replicate' },
  {
    name: 'trpc: batch link, subscription link',
    packages: ['@trpc/client@11', '@trpc/server@11'],
    imports: '{ createTRPCClient, httpBatchLink, httpSubscriptionLink }',
    from: '@trpc/client',
  },
  {
    name: 'inngest: subscribe (no cancel)',
    packages: ['inngest@4'],
    imports: '{ subscribe }',
    from: 'inngest/realtime',
  },
  { name: 'openai', packages: ['openai@7'], imports: 'OpenAI', from: 'openai' },
  {
    name: 'trigger.dev: runs',
    packages: ['@trigger.dev/sdk@4'],
    imports: '{ runs }',
    from: '@trigger.dev/sdk',
  },
]

execFileSync(process.execPath, [join(root, 'scripts/sdk-sizes.mjs')], { stdio: 'inherit' })

const folder = join(root, '.trainstop/bench/peers')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
const packages = peers.flatMap(({ packages }) => packages)
const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--legacy-peer-deps']
execFileSync('npm', ['install', ...quiet, ...packages], {
  cwd: folder,
  stdio: ['ignore', 'ignore', 'inherit'],
})

// What only Node has is not counted: a browser's bundler leaves it out or refuses it.
const builtins = [
  'node:*',
  'async_hooks',
  'crypto',
  'fs',
  'fs/promises',
  'http',
  'https',
  'os',
  'path',
  'stream',
  'util',
  'zlib',
]
for (const { name, imports, from } of peers) {
  const names = imports.replace(/[{}]/g, '')
  writeFileSync(join(folder, 'entry.js'), `import ${imports} from '${from}'\nconsole.log(${names})\n`)
  const check = { name, path: 'entry.js', gzip: true, ignore: builtins }
  writeFileSync(join(folder, '.size-limit.json'), JSON.stringify([check]))
  console.log(`${name.padEnd(44)}${sizeOf().padStart(9)}`)
}

function sizeOf(): string {
  try {
    const output = execFileSync(join(root, 'node_modules/.bin/size-limit'), ['--json'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return `${(JSON.parse(String(output))[0].size / 1000).toFixed(2)} kB`
  } catch (error) {
    return `not measured: ${String((error as { stdout?: unknown }).stdout ?? error).slice(0, 300)}`
  }
}
