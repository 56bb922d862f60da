/** Where in a job's history something stands. `seq` grows within a generation; a restored backup raises the generation. */
export interface Position {
  readonly generation: number
  readonly seq: number
}

/** Below zero where `a` is older than `b`, above zero where it is newer, zero where they are the same. */
export function comparePositions(a: Position, b: Position): number {
  return a.generation - b.generation || a.seq - b.seq
}

/** Where an event or a job stands, without what it says. */
export function positionOf({ generation, seq }: Position): Position {
  return { generation, seq }
}
