import { type CallFault, isStreamFault, type MockCallName, type MockFault, type StreamFault } from './fault'

export interface CallAbout {
  name: MockCallName
  jobId: string | null
}

/** The faults that are to happen. Each call takes the first that is about it. */
export class Faults {
  #pending: { fault: MockFault; left: number }[] = []

  /** Until it has happened so often, or the returned function is called. */
  add(fault: MockFault): () => void {
    const entry = { fault, left: fault.times ?? 1 }
    this.#pending.push(entry)
    return () => {
      this.#pending = this.#pending.filter((each) => each !== entry)
    }
  }

  clear(): void {
    this.#pending = []
  }

  ofCall(call: CallAbout): CallFault | null {
    return this.#take(call, (fault): fault is MockFault & CallFault => !isStreamFault(fault))
  }

  ofStream(call: CallAbout): StreamFault | null {
    return this.#take(call, isStreamFault)
  }

  #take<Fault extends MockFault>(
    { name, jobId }: CallAbout,
    isOfKind: (fault: MockFault) => fault is Fault,
  ): Fault | null {
    for (const entry of this.#pending) {
      const { fault } = entry
      const names = fault.on === undefined ? null : [fault.on].flat()
      if (!isOfKind(fault) || (names && !names.includes(name))) continue
      if (fault.jobId !== undefined && fault.jobId !== jobId) continue
      if (--entry.left <= 0) this.#pending = this.#pending.filter((each) => each !== entry)
      return fault
    }
    return null
  }
}
