/** How a Chromium is started by tests. */
export const chromiumLaunch: { executablePath?: string; args: string[] }
