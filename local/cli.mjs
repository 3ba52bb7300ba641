#!/usr/bin/env node
// What `npx openline-local` starts in any folder: the command line, with the TypeScript loader that is installed beside it.
import 'tsx'

await import('./main.ts')
