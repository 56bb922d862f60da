import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumLaunch } from '../../chromium-launch.mjs'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

// The sources themselves, so that no test runs against a build that is out of date.
const alias = {
  '@trainstop/react': path('src/index.ts'),
  '@trainstop/sdk/protocol': path('../sdk/src/protocol/schemas/index.ts'),
  '@trainstop/sdk/query': path('../sdk/src/query/index.ts'),
  '@trainstop/sdk': path('../sdk/src/index.ts'),
}
const shared = { testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  plugins: [react()],
  resolve: { alias },
  test: {
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'logic',
          environment: 'node',
          include: ['src/**/*.test.ts', '*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'dom',
          environment: 'jsdom',
          include: ['src/**/*.test.tsx'],
          exclude: ['src/**/*.browser.test.tsx'],
          setupFiles: ['src/testing/setup.ts'],
        },
      },
      {
        extends: true,
        optimizeDeps: {
          include: ['react-dom/client', 'react-dom/server', 'uplot', '@testing-library/react'],
        },
        test: {
          ...shared,
          name: 'browser',
          include: ['src/**/*.browser.test.tsx'],
          setupFiles: ['src/testing/setup.ts', 'src/testing/browserSetup.ts'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            instances: [{ browser: 'chromium', viewport: { width: 1024, height: 768 } }],
            provider: playwright({
              launchOptions: chromiumLaunch,
            }),
          },
        },
      },
    ],
  },
})
