import { describe, expect, it, vi } from 'vitest'
import { ada, host, type User } from '../scripted/trainingHost'
import type { AuditEntry } from './audit'

describe('the audit hook', () => {
  it('is told of every attempt to change something, once it was answered', async () => {
    const entries: AuditEntry<User>[] = []
    const { post, call } = await host({ audit: (entry) => void entries.push(entry) })
    const body = { action: 'cancel', reason: 'cost', note: 'too dear' }
    await post('/local/ada_1/control', body, { 'idempotency-key': 'k1' })
    await post('/pause/bob_1')
    await post('/jobs', { template: 'digits' })
    await call('/jobs/ada_1')
    expect(entries).toMatchObject([
      {
        ...{ user: ada, action: 'cancel', jobId: 'ada_1', status: 200, code: null, commandId: 'cmd_7' },
        ...{ reason: 'cost', note: 'too dear', idempotencyKey: 'k1' },
      },
      { action: 'pause', jobId: 'bob_1', status: 404, code: 'job_not_found', commandId: null },
      { action: 'start', jobId: 'new_1', status: 201, code: null },
    ])
    expect(entries[0]?.at).toBeInstanceOf(Date)
  })

  it('is told of what was refused at the door, too', async () => {
    const entries: AuditEntry<User>[] = []
    let user: User | null = ada
    const { post, call } = await host({
      audit: (entry) => void entries.push(entry),
      authenticate: () => user,
    })
    await post('/local/ada_1/control', { action: 'cancel' }, { 'sec-fetch-site': 'cross-site' })
    await post('/local/ada_1/control', '{"action":')
    await post('/cancel/ada_1', { note: 'x'.repeat(70_000) }, { 'idempotency-key': 'k2' })
    await post('/local/ada_1/control', { action: 'explode', reason: 'cost' })
    user = null
    await post('/resume/ada_1')
    await call('/jobs')
    expect(
      entries.map(({ user, action, jobId, status }) => [user?.id ?? null, action, jobId, status]),
    ).toEqual([
      [null, null, 'ada_1', 403],
      ['u_1', null, 'ada_1', 400],
      ['u_1', 'cancel', 'ada_1', 413],
      ['u_1', null, 'ada_1', 422],
      [null, 'resume', 'ada_1', 401],
    ])
    expect(entries[2]).toMatchObject({ code: 'invalid_request', idempotencyKey: 'k2' })
    expect(entries[3]).toMatchObject({ reason: 'cost' })
  })

  it('is told of what the host itself failed at', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const entries: AuditEntry<User>[] = []
    const { post } = await host({
      audit: (entry) => void entries.push(entry),
      authenticate: () => Promise.reject(new Error('session store is away')),
    })
    await post('/cancel/ada_1')
    expect(entries).toMatchObject([{ user: null, action: 'cancel', jobId: 'ada_1', status: 500 }])
  })

  it('that fails does not make a lie of an accepted stop', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { post } = await host({ audit: () => Promise.reject(new Error('disk full')) })
    expect((await post('/local/ada_1/control', { action: 'cancel' })).status).toBe(200)
    expect(log).toHaveBeenCalledOnce()
  })
})
