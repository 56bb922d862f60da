import { readFileSync } from 'node:fs'
import { must } from '../command.mjs'
import { inRoot } from '../paths.mjs'
import { whenChanged } from './stamp.mjs'

const manifests = [
  'package.json',
  'pnpm-workspace.yaml',
  'packages/sdk/package.json',
  'packages/react/package.json',
  'examples/dashboard/package.json',
  'examples/hosts/package.json',
]

/** Installs the workspace's packages through the pinned pnpm, when the lock file or a manifest changed. */
export async function installNodePackages() {
  await whenChanged('node_modules/.trainstop-stamp', ['pnpm-lock.yaml', ...manifests], async () => {
    console.log('Installing Node packages …')
    await must(
      [...pnpm(), 'install', '--frozen-lockfile', '--prefer-offline'],
      'The Node packages could not be installed.',
      {
        quiet: true,
      },
    )
  })
}

export function pnpm() {
  const { packageManager } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'))
  return ['npx', '--yes', packageManager]
}
