const paths = {
  stop: 'M2 1h8a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H2a1 1 0 0 1-1-1V2a1 1 0 0 1 1-1Z',
  pause: 'M2 1h2.6v10H2zM7.4 1H10v10H7.4z',
  resume: 'M2.5 1v10l8-5z',
  done: 'M6 0a6 6 0 1 1 0 12A6 6 0 0 1 6 0ZM9.3 4.1 8.2 3 5.1 6.4 3.8 5.1 2.7 6.2 5.2 8.7z',
  skipped:
    'M6 0a6 6 0 1 1 0 12A6 6 0 0 1 6 0Zm0 1.3a4.7 4.7 0 1 0 0 9.4 4.7 4.7 0 0 0 0-9.4ZM3.2 5.3h5.6v1.4H3.2z',
  failed: 'M6 0a6 6 0 1 1 0 12A6 6 0 0 1 6 0ZM4 3 3 4l2 2-2 2 1 1 2-2 2 2 1-1-2-2 2-2-1-1-2 2z',
  not_measured:
    'M6 0a6 6 0 1 1 0 12A6 6 0 0 1 6 0Zm0 1.3a4.7 4.7 0 1 0 0 9.4 4.7 4.7 0 0 0 0-9.4ZM5.4 8.1h1.3v1.3H5.4zM4 4.6C4 3.4 4.9 2.6 6 2.6s2 .8 2 1.9c0 1.4-1.4 1.5-1.4 2.8H5.4c0-1.9 1.4-2 1.4-2.8a.8.8 0 0 0-.8-.8.8.8 0 0 0-.8.9z',
  waiting:
    'M6 0a6 6 0 1 1 0 12A6 6 0 0 1 6 0Zm0 1.3a4.7 4.7 0 1 0 0 9.4 4.7 4.7 0 0 0 0-9.4ZM6 4a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z',
  not_reached: 'M6 0a6 6 0 1 1 0 12A6 6 0 0 1 6 0Zm0 1.3a4.7 4.7 0 1 0 0 9.4 4.7 4.7 0 0 0 0-9.4Z',
  warning: 'M6 .5 12 11H0zM5.4 4v3.4h1.2V4zm0 4.4v1.3h1.2V8.4z',
} as const

export type IconName = keyof typeof paths

/** A small picture beside words that say the same, so it is hidden from assistive technology. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="trainstop-icon" viewBox="0 0 12 12" aria-hidden="true" focusable="false">
      <path fillRule="evenodd" d={paths[name]} />
    </svg>
  )
}
