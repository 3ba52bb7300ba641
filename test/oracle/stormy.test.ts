import { itHoldsInEveryRun } from './every-run.ts'

itHoldsInEveryRun('stormy')
