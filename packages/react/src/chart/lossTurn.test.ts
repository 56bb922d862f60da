import { expect, it } from 'vitest'
import { lossTurn } from './lossTurn'

const turnOf = (name: string, ...values: (number | null)[]) => lossTurn({ name, values, sparse: true })

it('tells where a held-out loss was lowest and how far it has risen since', () => {
  expect(turnOf('eval_loss', 2, null, 1, null, 1.1, 1.25, null, 1.5, null)).toEqual({
    lowestAt: 2,
    risen: 0.5,
  })
})

it('says nothing while it falls, or has only just begun to rise', () => {
  expect(turnOf('eval_loss', 3, 2, 1)).toBeNull()
  expect(turnOf('eval_loss', 3, 1, 2, 2)).toBeNull()
  expect(turnOf('eval_loss', 3, 1, 1.001, 1.002, 1.003)).toBeNull()
  expect(turnOf('eval_loss')).toBeNull()
  expect(turnOf('eval_loss', null, null)).toBeNull()
})

it('says nothing of a loss of training itself, nor of what is no loss, nor of a share of nothing', () => {
  expect(turnOf('train_loss', 3, 1, 2, 2, 2)).toBeNull()
  expect(turnOf('accuracy', 3, 1, 2, 2, 2)).toBeNull()
  expect(turnOf('eval_loss', 3, 0, 2, 2, 2)).toBeNull()
  expect(turnOf('eval_loss', 3, -1, 2, 2, 2)).toBeNull()
})
