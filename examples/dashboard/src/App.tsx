import { Link, Route, Switch } from 'wouter'
import { PageTitle } from './PageTitle'
import { RunPage } from './RunPage'
import { RunsPage } from './RunsPage'
import { SignedIn } from './SignedIn'

export function App() {
  return (
    <>
      <header className="bar">
        <Link href="/" className="brand">
          <img src="/icon.svg" alt="" width="20" height="20" /> Training runs
        </Link>
        <SignedIn />
      </header>
      <main>
        <Switch>
          <Route path="/" component={RunsPage} />
          <Route path="/runs/:jobId">{({ jobId }) => <RunPage key={jobId} jobId={jobId} />}</Route>
          <Route>
            <section className="page narrow">
              <PageTitle tab="Nothing here">There is no page at this address</PageTitle>
              <p>
                <Link href="/">Back to all runs</Link>
              </p>
            </section>
          </Route>
        </Switch>
      </main>
    </>
  )
}
