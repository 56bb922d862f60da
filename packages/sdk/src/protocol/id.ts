/** The pattern of every id on the wire (job, command, template). A checkpoint's id too. Anything else is "not found". */
export const idPattern = /^[A-Za-z0-9_-]{1,64}$/
