import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { httpReply } from '../../lambda/aws/events.ts'
import { PROBLEMS, type ProblemCode, problem } from '../../lambda/core/problem.ts'
import { parseListQuery, parseNewTask, parseTaskPatch } from '../../lambda/core/task-input.ts'
import { MAX_TITLE_LENGTH } from '../../protocol/limits.ts'
import { aTask } from '../support/fakes.ts'

interface Operation {
  readonly requestBody?: {
    readonly content: { 'application/json': { examples: Record<string, { value: unknown }> } }
  }
  readonly responses: Record<string, unknown>
}
interface Document {
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: {
    readonly schemas: {
      readonly Title: { readonly maxLength: number }
      readonly Problem: { properties: { status: { enum: number[] }; code: { enum: string[] } } }
    }
  }
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const document = parse(read('docs/openapi.yaml')) as Document
const { schemas } = document.components

const ajv = new Ajv2020({ strict: false, allErrors: true })
ajv.addSchema(document, 'openapi')

function complaints(name: string, value: unknown): unknown[] {
  const validate = ajv.getSchema(`openapi#/components/schemas/${name}`)
  if (!validate) throw new Error(`no schema "${name}"`)
  void validate(value)
  return validate.errors ?? []
}

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => method !== 'parameters')
    .map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
)
const examplesOf = (route: string) =>
  Object.values(
    operations.find(([name]) => name === route)?.[1].requestBody?.content['application/json'].examples ?? {},
  ).map(({ value }) => value)

const statuses = [...new Set(Object.values(PROBLEMS).map(({ status }) => status))]
const newTask = { schema: 'NewTask', check: parseNewTask }
const patch = { schema: 'TaskPatch', check: parseTaskPatch }

describe('docs/openapi.yaml', () => {
  it('has the routes of the code, and no other', () => {
    const routes = [...read('lambda/core/tasks.ts').matchAll(/case '([A-Z]+ \/.*)':/g)].map(
      ([, name]) => name,
    )
    expect(operations.map(([name]) => name).sort()).toEqual(routes.sort())
  })

  it('lists the codes and statuses of the problems', () => {
    expect(schemas.Problem.properties.code.enum).toEqual(Object.keys(PROBLEMS))
    expect(schemas.Problem.properties.status.enum).toEqual(statuses)
  })

  it('gives every operation only statuses of problems, 500 among them', () => {
    for (const [, { responses }] of operations) {
      const trouble = Object.keys(responses)
        .map(Number)
        .filter((status) => status >= 400)
      expect(statuses).toEqual(expect.arrayContaining(trouble))
      expect(trouble).toContain(500)
    }
  })

  it.each(Object.keys(PROBLEMS) as ProblemCode[])('describes the reply for %s', (code) => {
    const { body } = httpReply(problem(code, 'what is wrong'), 'req-1')
    expect(complaints('Problem', JSON.parse(body ?? ''))).toEqual([])
  })

  it('describes a task', () => {
    const { body } = httpReply({ status: 200, task: aTask() }, 'req-1')
    expect(complaints('Task', JSON.parse(body ?? ''))).toEqual([])
  })

  it.each([
    { ...newTask, route: 'POST /tasks' },
    { ...patch, route: 'PATCH /tasks/{id}' },
  ])('gives examples for $route that are accepted', ({ route, schema, check }) => {
    const examples = examplesOf(route)
    expect(examples).not.toEqual([])
    for (const example of examples) {
      expect(complaints(schema, example)).toEqual([])
      expect(check(JSON.stringify(example))).toMatchObject({ ok: true, value: example as object })
    }
  })

  it.each([
    { ...newTask, body: {} },
    { ...newTask, body: [] },
    { ...newTask, body: { title: '' } },
    { ...newTask, body: { title: 7 } },
    { ...newTask, body: { title: 'x'.repeat(MAX_TITLE_LENGTH + 1) } },
    { ...newTask, body: { title: 'Ship it', done: 'yes' } },
    { ...newTask, body: { title: 'Ship it', version: 1 } },
    { ...patch, body: {} },
    { ...patch, body: { version: 3 } },
    { ...patch, body: { done: true, version: 0 } },
    { ...patch, body: { done: null } },
    { ...patch, body: { done: true, id: 't-7' } },
  ])('refuses as $schema what the code refuses: $body', ({ schema, check, body }) => {
    expect(complaints(schema, body)).not.toEqual([])
    expect(check(JSON.stringify(body)).ok).toBe(false)
  })

  it('gives the limits of the code', () => {
    expect(schemas.Title.maxLength).toBe(MAX_TITLE_LENGTH)
    const limit = { name: 'limit', schema: { minimum: 1, maximum: 100, default: 50 } }
    expect(document.paths['/tasks']?.['get']).toMatchObject({ parameters: [limit, { name: 'cursor' }] })
    expect(parseListQuery({})).toMatchObject({ value: { limit: 50 } })
    expect(['0', '1', '100', '101'].map((text) => parseListQuery({ limit: text }).ok)).toEqual([
      false,
      true,
      true,
      false,
    ])
  })
})
