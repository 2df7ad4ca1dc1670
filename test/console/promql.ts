/** As much of PromQL as it takes to see which metrics and labels an expression names. */
export type Selector = { metric: string; labels: { label: string; operator: string; value: string }[] }
export type Named = { selectors: Selector[]; groupings: string[]; functions: string[] }

const FUNCTIONS = ['sum', 'min', 'max', 'rate', 'increase', 'histogram_quantile', 'vector', 'count', 'avg']
const WORDS = ['by', 'or', 'and', 'unless', 'without', 'on']
const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*")|(\[[^\]]*\])|([a-zA-Z_:][\w:]*)|(\d+(?:\.\d+)?)|(=~|!~|!=|==|>=|<=|[-+*/<>=(){},]))/y

function tokensOf(expression: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  const text = expression.trim()
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (!match) throw new Error(`not PromQL at "${text.slice(at, at + 20)}"`)
    tokens.push(match[0].trim())
  }
  return tokens
}

function labelsFrom(tokens: readonly string[], from: number): { labels: Selector['labels']; next: number } {
  const labels: Selector['labels'] = []
  let at = from
  while (tokens[at] !== '}') {
    const [label, operator, value] = [tokens[at]!, tokens[at + 1]!, tokens[at + 2]!]
    if (!/^(=|!=|=~|!~)$/.test(operator) || !value?.startsWith('"'))
      throw new Error(`not a label matcher: ${label} ${operator}`)
    labels.push({ label, operator, value: value.slice(1, -1) })
    at += tokens[at + 3] === ',' ? 4 : 3
  }
  return { labels, next: at + 1 }
}

/** Throws on what is no expression: an unknown function, a parenthesis too many. */
export function namesIn(expression: string): Named {
  const tokens = tokensOf(expression)
  const named: Named = { selectors: [], groupings: [], functions: [] }
  let depth = 0
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at]!
    if (token === '(') depth += 1
    if (token === ')') depth -= 1
    if (depth < 0) throw new Error('a closing parenthesis too many')
    if (token === 'by') {
      const end = tokens.indexOf(')', at)
      named.groupings.push(...tokens.slice(at + 2, end).filter(word => word !== ','))
      at = end + 1
    } else if (FUNCTIONS.includes(token)) {
      named.functions.push(token)
      at += 1
    } else if (/^[a-zA-Z_]/.test(token) && !WORDS.includes(token)) {
      const { labels, next } = tokens[at + 1] === '{' ? labelsFrom(tokens, at + 2) : { labels: [], next: at + 1 }
      if (tokens[at + 1] === '(') throw new Error(`unknown function ${token}`)
      named.selectors.push({ metric: token, labels })
      at = next
    } else at += 1
  }
  if (depth !== 0) throw new Error('a parenthesis that is not closed')
  return named
}
