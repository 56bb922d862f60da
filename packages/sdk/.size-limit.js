/** What an app loads for what it imports from the built package: minified, gzip, all dependencies but query-core. */

import * as root from './dist/index.js'
import * as query from './dist/query.js'

const everything = (entry) => `{ ${Object.keys(entry).join(', ')} }`
const stopAndWatch = '{ createTrainingClient, http, cancelJob, subscribeJob }'
const size = (name, limit, imports) => ({
  ...{ name, limit, gzip: true, import: imports },
  ignore: ['@tanstack/query-core'],
})

export default [
  size('cancelJob', '5.5 kB', { './dist/index.js': '{ cancelJob }' }),
  size('client, http, cancelJob, subscribeJob', '14 kB', { './dist/index.js': stopAndWatch }),
  size('all of @trainstop/sdk', '18.3 kB', { './dist/index.js': everything(root) }),
  size('all of @trainstop/sdk and of /query', '19.3 kB', {
    './dist/index.js': everything(root),
    './dist/query.js': everything(query),
  }),
]
