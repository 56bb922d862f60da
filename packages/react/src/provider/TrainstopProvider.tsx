import { QueryClient, QueryClientContext } from '@tanstack/react-query'
import type { TrainingClient } from '@trainstop/sdk'
import { type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { english } from '../messages/english'
import { mergeMessages } from '../messages/mergeMessages'
import type { PartialMessages } from '../messages/messages'
import { TrainstopContext } from './TrainstopContext'

export interface TrainstopProviderProps {
  /** From `createTrainingClient`. Make it once, outside of components. */
  client: TrainingClient
  /** Words to use instead of the English ones; give the same object on every render. */
  messages?: PartialMessages | undefined
  /** Default: the host's from `QueryClientProvider`, or else one of its own. */
  queryClient?: QueryClient | undefined
  children?: ReactNode
}

/** Gives the hooks and components below it the client, the words and the query cache to work with. */
export function TrainstopProvider({ client, messages, queryClient, children }: TrainstopProviderProps) {
  const hosts = useContext(QueryClientContext)
  const given = queryClient ?? hosts
  const [own] = useState(() => (given ? undefined : new QueryClient()))
  const used = given ?? own
  useEffect(() => {
    // The host mounts its own; this is what makes refetching on focus and on reconnect work for ours.
    if (!own) return
    own.mount()
    return () => own.unmount()
  }, [own])
  const words = useMemo(() => (messages ? mergeMessages(english, messages) : english), [messages])
  const value = useMemo(
    () => (used ? { client, queryClient: used, messages: words } : null),
    [client, used, words],
  )
  return <TrainstopContext.Provider value={value}>{children}</TrainstopContext.Provider>
}
