import { HttpResponse, http } from 'msw'
import { setupServer } from 'msw/node' // in a browser: setupWorker of msw/browser
import { createMockTrainingServer } from '../index'

export const training = createMockTrainingServer()
export const network = setupServer(
  http.all('*/api/training/*', ({ request }) => training.fetch(request).catch(() => HttpResponse.error())),
)
