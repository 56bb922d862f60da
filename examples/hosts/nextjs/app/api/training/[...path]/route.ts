import { createTrainingHandler } from '@trainstop/sdk/server'
import { currentUser } from '../../../../../currentUser'

const handler = createTrainingHandler({
  authenticate: currentUser,
  trainingServer: {
    url: process.env.TRAINSTOP_URL ?? 'http://127.0.0.1:8321',
    token: process.env.TRAINSTOP_TOKEN ?? '',
  },
})

// Streams and orders are never to come from a cache.
export const dynamic = 'force-dynamic'
// OPTIONS is for pages of `allowedOrigins` alone.
export { handler as GET, handler as OPTIONS, handler as POST }
