/** Stands for your own session: replace it with what your app knows about who is signed in. */
export async function currentUser(request: Request): Promise<{ id: string; name: string } | null> {
  const id = /(?:^|;\s*)user=(\w+)/.exec(request.headers.get('cookie') ?? '')?.[1]
  return id ? { id, name: id } : null
}
