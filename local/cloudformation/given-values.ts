/** What an app takes for granted and its templates do not make; each by name. */
export interface GivenValues {
  /** Template parameters: `Name`, or `Stack:Name` for one stack's alone. */
  readonly parameters: Readonly<Record<string, string>>
  /** SSM parameters. */
  readonly ssm: Readonly<Record<string, string>>
  /** Secrets, as text: JSON where the app reads single keys. */
  readonly secrets: Readonly<Record<string, string>>
  /** Exports of stacks outside the app. */
  readonly imports: Readonly<Record<string, string>>
}

export const NOTHING_GIVEN: GivenValues = { parameters: {}, ssm: {}, secrets: {}, imports: {} }
