import { type RenderResult, render } from '@testing-library/react'
import { type ReactNode, StrictMode } from 'react'
import { TrainstopProvider } from '../provider/TrainstopProvider'
import type { ScriptedServer } from './scriptedServer'

/** Renders as a host does: below a provider, in StrictMode. */
export function renderWith(server: ScriptedServer, children: ReactNode): RenderResult {
  return render(
    <StrictMode>
      <TrainstopProvider client={server.client}>{children}</TrainstopProvider>
    </StrictMode>,
  )
}
