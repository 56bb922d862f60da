import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineConfig } from 'tsup'

export default defineConfig((options) => ({
  entry: ['src/index.ts', 'src/chart.ts'],
  format: ['esm', 'cjs'],
  target: 'es2022',
  platform: 'browser',
  clean: true,
  sourcemap: true,
  // Neither splitting nor treeshake: the one buries 'use client' in CJS, the other strips it.
  splitting: false,
  treeshake: false,
  // The chart takes the context from the main entry, or there would be two of them.
  external: ['@trainstop/react', '@trainstop/sdk', 'react', 'react-dom', '@tanstack/react-query', 'uplot'],
  dts: { compilerOptions: { ignoreDeprecations: '6.0', incremental: false } },
  onSuccess: () => copyFile('src/styles.css', join(options.outDir ?? 'dist', 'styles.css')),
}))
