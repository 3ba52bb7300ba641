/**
 * Variables of a stage:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-stages-stage-variables.html
 */
export type StageVariables = Readonly<Record<string, string>>

const NAME = /^\w+$/
const VALUE = /^[A-Za-z0-9\-._~:/?#&=,]+$/

/** What is wrong with a stage's variables, in words; API Gateway refuses to make such a stage. */
export function stageVariableProblems(variables: StageVariables): string[] {
  return Object.entries(variables).flatMap(([name, value]) => [
    ...(NAME.test(name)
      ? []
      : [`stage variable "${name}" has a name with other characters than A-Z a-z 0-9 _`]),
    ...(VALUE.test(value)
      ? []
      : [
          `stage variable "${name}" has the value "${value}"; expected characters of A-Z a-z 0-9 -._~:/?#&=, only`,
        ]),
  ])
}

/** Puts variables in the place of `${stageVariables.name}`; one that the stage lacks is empty text. */
export const withStageVariables = (text: string, variables: StageVariables): string =>
  text.replace(/\$\{stageVariables\.(\w+)\}/g, (_, name: string) =>
    Object.hasOwn(variables, name) ? (variables[name] ?? '') : '',
  )
