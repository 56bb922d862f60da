const { readFileSync } = require('node:fs')
const { dirname, join } = require('node:path')

/** The protocol's own test vectors, as the package carries them. */
const folder = join(dirname(require.resolve('@trainstop/sdk/package.json')), 'protocol/vectors')
const vector = (name) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')).valid[0].value

exports.vectors = { Job: vector('Job'), Command: vector('Command') }
