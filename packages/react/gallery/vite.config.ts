import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

export default defineConfig({
  root: path('.'),
  plugins: [react()],
  build: { outDir: path('../.screenshots/gallery'), emptyOutDir: true, minify: false, assetsInlineLimit: 0 },
  resolve: {
    alias: {
      '@trainstop/react': path('../src/index.ts'),
      '@trainstop/sdk/query': path('../../sdk/src/query/index.ts'),
      '@trainstop/sdk': path('../../sdk/src/index.ts'),
    },
  },
})
