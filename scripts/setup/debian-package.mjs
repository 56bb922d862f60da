import { execute } from '../command.mjs'

/** Installs Debian packages where we may: as root, with apt-get at hand. Whether it helped, the caller looks. */
export async function installDebianPackages(...names) {
  if (process.getuid?.() !== 0 || (await execute(['apt-get', '--version'], { quiet: true })).code !== 0)
    return
  console.log(`Installing ${names.join(', ')} with apt-get …`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await execute(['apt-get', 'update', '-qq'], { quiet: true })
  await execute(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...names], {
    quiet: true,
    env,
  })
}
