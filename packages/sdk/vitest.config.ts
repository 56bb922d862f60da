import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumLaunch } from '../../chromium-launch.mjs'

const shared = {
  // Long, since tests wait for events and never for time; a machine under load may take its own.
  testTimeout: 30_000,
  hookTimeout: 30_000,
  restoreMocks: true,
  unstubGlobals: true,
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'node',
          environment: 'node',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['src/**/*.browser.test.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'chromium',
          include: ['src/**/*.browser.test.ts'],
          globalSetup: ['src/scripted/serverForBrowsers.ts'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            instances: [{ browser: 'chromium' }],
            provider: playwright({ launchOptions: chromiumLaunch }),
          },
        },
      },
    ],
  },
})
