import * as root from '@trainstop/sdk'
import * as protocol from '@trainstop/sdk/protocol'
import * as query from '@trainstop/sdk/query'
import * as server from '@trainstop/sdk/server'
import { journey } from './journey.cjs'
import { vectors } from './vectors.cjs'

console.log(JSON.stringify(await journey({ root, query, server, protocol }, vectors)))
