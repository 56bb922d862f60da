import '@testing-library/jest-dom/vitest'
import { cleanup, configure } from '@testing-library/react'
import { afterEach } from 'vitest'

// A machine under heavy load is no reason to fail.
configure({ asyncUtilTimeout: 30_000 })
afterEach(cleanup)
