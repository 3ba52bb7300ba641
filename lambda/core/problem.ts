/** What went wrong with a REST request, as RFC 9457 puts it (`application/problem+json`). */
export interface Problem {
  readonly status: 400 | 404 | 405 | 409 | 412 | 500
  /** For programs; `docs/protocol.md` lists them. */
  readonly code: ProblemCode
  readonly title: string
  /** What is wrong, what came, what was allowed. */
  readonly detail: string
}

/** The table of problems: their status and title. */
export const PROBLEMS = {
  invalid_json: { status: 400, title: 'The body is not a JSON object' },
  invalid_field: { status: 400, title: 'A field is missing, unknown, of the wrong type or out of bounds' },
  invalid_query: { status: 400, title: 'A query parameter is unknown or out of bounds' },
  invalid_cursor: { status: 400, title: 'The cursor is not one that this service gave' },
  invalid_if_match: { status: 400, title: 'The If-Match header is not a version' },
  task_not_found: { status: 404, title: 'There is no such task' },
  route_not_found: { status: 404, title: 'There is no such resource' },
  version_conflict: { status: 409, title: 'The task has changed since the version given' },
  precondition_failed: { status: 412, title: 'The task has changed since the version in If-Match' },
  internal: { status: 500, title: 'Something failed on our side' },
} as const satisfies Record<string, { status: Problem['status']; title: string }>

export type ProblemCode = keyof typeof PROBLEMS

export const problem = (code: ProblemCode, detail: string): Problem => ({ ...PROBLEMS[code], code, detail })
