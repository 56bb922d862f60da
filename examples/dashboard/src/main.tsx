import '@trainstop/react/styles.css'
import './dashboard.css'
import { TrainstopProvider } from '@trainstop/react'
import { createTrainingClient, http } from '@trainstop/sdk'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App'

// The browser talks to its own host only; the host's control route holds the training server's token.
const client = createTrainingClient({ transport: http({ url: '/api/training' }) })

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root.')
createRoot(root).render(
  <StrictMode>
    <TrainstopProvider client={client}>
      <App />
    </TrainstopProvider>
  </StrictMode>,
)
