import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'

const EXECUTABLE = process.platform === 'win32' ? 'dynoxide.exe' : 'dynoxide'

/**
 * Where dynoxide is: named by DYNOXIDE_BIN, in the platform's package, or on the PATH.
 * @throws when it is nowhere, naming the choices
 */
export function findEngineBinary(env: Readonly<Record<string, string | undefined>>): string {
  const chosen = env['DYNOXIDE_BIN']
  if (chosen && !existsSync(chosen))
    throw new Error(
      `DYNOXIDE_BIN is "${chosen}", where there is no file; set it to the dynoxide binary or unset it`,
    )
  const platformPackage = `@dynoxide/${process.platform}-${process.arch}/package.json`
  const require = createRequire(import.meta.url)
  const places = [
    () => chosen,
    () => join(dirname(require.resolve(platformPackage)), EXECUTABLE),
    ...(env['PATH'] ?? '').split(delimiter).map((folder) => () => join(folder, EXECUTABLE)),
  ]
  for (const place of places) {
    try {
      const file = place()
      if (file && existsSync(file)) return file
    } catch {
      // The platform's package is not installed: there are other places.
    }
  }
  throw new Error(noEngine())
}

function noEngine(): string {
  const target = `${process.platform}-${process.arch}`
  return [
    `No DynamoDB engine for ${target}. Choose one:`,
    `  npm i --no-save @dynoxide/${target}@1.2.1      (was this installed with --omit=optional?)`,
    '  put `dynoxide` on PATH, or set DYNOXIDE_BIN=/path/to/dynoxide',
    '  DYNAMODB_ENDPOINT=http://127.0.0.1:8000 with DynamoDB Local:',
    '    docker run --rm -p 127.0.0.1:8000:8000 amazon/dynamodb-local -jar DynamoDBLocal.jar -inMemory -sharedDb',
  ].join('\n')
}
