import { describe, expect, it } from 'vitest'
import { stageVariableProblems, withStageVariables } from '../../../local/api-gateway/stage-variables.ts'

describe('stage variables', () => {
  it('have names of A-Z a-z 0-9 _ and values of these and -._~:/?#&=, only', () => {
    expect(stageVariableProblems({ Name_1: 'https://a.b/c?d=e&f#g,~-' })).toEqual([])
    expect(stageVariableProblems({ 'a-b': 'x', ok: 'a b' })).toEqual([
      'stage variable "a-b" has a name with other characters than A-Z a-z 0-9 _',
      'stage variable "ok" has the value "a b"; expected characters of A-Z a-z 0-9 -._~:/?#&=, only',
    ])
  })

  it('stand in for ${stageVariables.name}, and one that is missing for nothing', () => {
    expect(
      withStageVariables('https://${stageVariables.host}/${stageVariables.none}x', { host: 'a.b' }),
    ).toBe('https://a.b/x')
  })
})
