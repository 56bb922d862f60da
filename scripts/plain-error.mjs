/** Something the person in front of the terminal can mend: told in plain words, without a stack. */
export class PlainError extends Error {}
