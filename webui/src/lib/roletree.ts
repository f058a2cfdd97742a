// Fair shares of roles: on each level the share of the role above is divided by weight among those
// that compete there. Frameworks in a role that has roles below it compete with them as one of
// weight 1, as in the allocator. Pure.

import { parentOf } from './quota'

const TOP = ''

export interface FairTree {
  of: Map<string, number> // a role with all that is below it
  own: Map<string, number> // the frameworks in the role itself, together
}

// `members`: roles that some framework is in.
export function fairTree(members: Iterable<string>, weightOf: (role: string) => number): FairTree {
  const children = new Map<string, Set<string>>()
  const own = new Set(members)
  for (const role of own) {
    for (let at: string | undefined = role; at !== undefined; at = parentOf(at)) {
      const above: string = parentOf(at) ?? TOP
      children.set(above, (children.get(above) ?? new Set<string>()).add(at))
    }
  }
  const tree: FairTree = { of: new Map(), own: new Map() }
  const divide = (name: string, share: number) => {
    const below = [...(children.get(name) ?? [])]
    const mine = own.has(name) ? 1 : 0
    const whole = below.reduce((n, child) => n + weightOf(child), mine)
    if (mine) tree.own.set(name, share / whole)
    for (const child of below) {
      const part = (share * weightOf(child)) / whole
      tree.of.set(child, part)
      divide(child, part)
    }
  }
  divide(TOP, 1)
  return tree
}
