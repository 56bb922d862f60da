const { journey } = require('./journey.cjs')
const { vectors } = require('./vectors.cjs')

journey(
  {
    root: require('@trainstop/sdk'),
    query: require('@trainstop/sdk/query'),
    server: require('@trainstop/sdk/server'),
    protocol: require('@trainstop/sdk/protocol'),
  },
  vectors,
).then((told) => console.log(JSON.stringify(told)))
