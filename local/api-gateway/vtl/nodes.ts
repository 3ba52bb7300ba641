/** A template as the parser leaves it. */
export type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reference'; readonly reference: Reference }
  | { readonly type: 'set'; readonly target: Reference; readonly value: Expression }
  | { readonly type: 'if'; readonly branches: readonly Branch[] }
  | Foreach
  | { readonly type: 'define'; readonly name: string; readonly body: readonly Node[] }
  | { readonly type: 'break' }
  | { readonly type: 'stop' }

/** The condition of an `#else` is always true. */
export interface Branch {
  readonly condition: Expression
  readonly body: readonly Node[]
}

export interface Foreach {
  readonly type: 'foreach'
  readonly variable: string
  readonly list: Expression
  readonly body: readonly Node[]
  /** Where in the source it stands. */
  readonly offset: number
}

/** `$input.path('$.a')[0].b` */
export interface Reference {
  readonly type: 'reference'
  readonly root: string
  readonly path: readonly Step[]
  readonly offset: number
}

export type Step =
  | { readonly type: 'property'; readonly name: string }
  | { readonly type: 'method'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly type: 'index'; readonly index: Expression }

export type Operator = '||' | '&&' | '==' | '!=' | '<' | '>' | '<=' | '>=' | '+' | '-' | '*' | '/' | '%'

export type Expression =
  | Reference
  | { readonly type: 'literal'; readonly value: string | number | boolean | null }
  /** Text in double quotes that holds references or directives. */
  | { readonly type: 'interpolated'; readonly body: readonly Node[] }
  | { readonly type: 'list'; readonly items: readonly Expression[] }
  | { readonly type: 'range'; readonly from: Expression; readonly to: Expression }
  | { readonly type: 'map'; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly type: 'not' | 'minus'; readonly of: Expression }
  | {
      readonly type: 'binary'
      readonly operator: Operator
      readonly left: Expression
      readonly right: Expression
    }
