import { useEffect, useState } from 'react'

interface User {
  id: string
  name: string
}

/** Who is signed in, and a way to become the other: each sees only what is theirs. */
export function SignedIn() {
  const [me, setMe] = useState<{ user: User | null; users: User[] } | null>(null)
  useEffect(() => {
    const leaving = new AbortController()
    fetch('/api/me', { signal: leaving.signal })
      .then((answer) => answer.json())
      .then(setMe)
      .catch(() => {})
    return () => leaving.abort()
  }, [])
  if (!me?.user) return null
  return (
    <label className="signed-in">
      Signed in as{' '}
      <select
        value={me.user.id}
        onChange={async (change) => {
          await fetch(`/api/sign-in/${change.target.value}`, { method: 'POST' })
          window.location.assign('/')
        }}
      >
        {me.users.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
