import { useServerCapabilities, useStartJob } from '@trainstop/react'
import type { Template, TemplateParam } from '@trainstop/sdk'
import { type FormEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { PageTitle } from './PageTitle'

type ParamValue = string | number | boolean

/** A form for what the operator allows to be started. */
export function StartRun() {
  const { templates = [], error, isLoading } = useServerCapabilities()
  const [chosen, setChosen] = useState<string | null>(null)
  const template = templates.find(({ id }) => id === chosen) ?? templates[0]

  return (
    <section aria-labelledby="start-title" className="panel">
      <PageTitle tab="Training runs" id="start-title">
        Start a run
      </PageTitle>
      {isLoading && <p className="quiet">Asking the training server …</p>}
      {error && (
        <p role="alert">
          {error.code === 'server_unreachable'
            ? "The training server can't be reached, so no run can be started. This page tries again by itself."
            : error.message}
        </p>
      )}
      {templates.length > 1 && (
        <label className="field">
          What to train
          <select value={template?.id} onChange={(change) => setChosen(change.target.value)}>
            {templates.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        </label>
      )}
      {template && <TemplateForm key={template.id} template={template} />}
    </section>
  )
}

function TemplateForm({ template }: { template: Template }) {
  const [, navigate] = useLocation()
  const start = useStartJob()

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    const name = String(fields.get('run-name') ?? '').trim()
    const params = Object.fromEntries(
      template.params.flatMap((param) => {
        const value = entryOf(param, fields.get(param.name))
        return value === null ? [] : [[param.name, value]]
      }),
    )
    start.mutate(
      { template: template.id, params, ...(name && { name }) },
      { onSuccess: ({ job }) => navigate(`/runs/${job.id}`) },
    )
  }

  return (
    <form onSubmit={submit} className="start-form">
      {template.description && <p className="quiet">{template.description}</p>}
      <div className="fields">
        <label className="field wide">
          Name
          <input name="run-name" maxLength={200} placeholder={template.title} autoComplete="off" />
        </label>
        {template.params.map((param) => (
          <ParamField key={param.name} param={param} />
        ))}
        <button type="submit" className="primary" disabled={start.isPending}>
          {start.isPending ? 'Starting …' : 'Start run'}
        </button>
      </div>
      {start.error && <p role="alert">{start.error.message}</p>}
    </form>
  )
}

function ParamField({ param }: { param: TemplateParam }) {
  const { name, type, title, minimum, maximum, choices } = param
  if (type === 'boolean')
    return (
      <label className="field check">
        <input type="checkbox" name={name} defaultChecked={param.default === true} /> {title}
      </label>
    )
  if (type === 'choice')
    return (
      <label className="field">
        {title}
        <select name={name} defaultValue={String(param.default ?? '')}>
          {choices?.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      </label>
    )
  const numeric = type === 'integer' || type === 'number'
  return (
    <label className="field">
      {title}
      <input
        name={name}
        type={numeric ? 'number' : 'text'}
        step={type === 'number' ? 'any' : undefined}
        min={minimum ?? undefined}
        max={maximum ?? undefined}
        defaultValue={param.default === null ? '' : String(param.default)}
        required={param.default === null}
      />
    </label>
  )
}

/** Null: left empty, so that the template's default holds. */
function entryOf({ type }: TemplateParam, entered: FormDataEntryValue | null): ParamValue | null {
  if (type === 'boolean') return entered !== null
  if (entered === null || entered === '') return null
  return type === 'integer' || type === 'number' ? Number(entered) : String(entered)
}
