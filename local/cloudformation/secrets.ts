import { createHash } from 'node:crypto'

/**
 * The text of an `AWS::SecretsManager::Secret`. A generated one is made up, but always the same:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-secretsmanager-secret-generatesecretstring.html
 */
export function secretText(properties: Readonly<Record<string, unknown>>, seed: string): string {
  const { SecretString, GenerateSecretString } = properties
  if (typeof SecretString === 'string') return SecretString
  const {
    GenerateStringKey,
    SecretStringTemplate = '{}',
    PasswordLength = 32,
  } = (GenerateSecretString ?? {}) as {
    GenerateStringKey?: string
    SecretStringTemplate?: string
    PasswordLength?: number | string
  }
  const password = createHash('sha512').update(seed).digest('hex').slice(0, Number(PasswordLength))
  if (GenerateStringKey === undefined) return password
  return JSON.stringify({ ...(JSON.parse(SecretStringTemplate) as object), [GenerateStringKey]: password })
}
