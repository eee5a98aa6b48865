// The graph's arithmetic: forward, backward, paths, nudges. `primitives` and `choices` are
// printed from the table of primitives; nothing here knows an operation, or the page.

export function makeGraph(data, primitives, choices) {
  const { nodes, edges } = data;
  const root = nodes.length - 1;
  const start = nodes.map(node => Number(node.value));
  const leaves = nodes.flatMap((node, i) => (node.free ? [i] : []));
  const operations = nodes.flatMap((node, i) => (node.op ? [i] : []));
  const entering = nodes.map(() => []); // of each node the edges from its parents
  const leaving = nodes.map(() => []); // and to what is computed from it
  edges.forEach((edge, k) => {
    entering[edge.head].push(k);
    if (edge.live) leaving[edge.tail].push(k);
  });

  function argumentsOf(node, values) {
    return node.arguments.map(a => (Array.isArray(a) ? a.map(i => values[i]) : values[a]));
  }

  // All numbers, from the leaves' among `given`; with `held`, that node keeps what it was given.
  function forward(given, held = -1) {
    const values = given.slice();
    for (const i of operations) {
      if (i !== held) values[i] = primitives[nodes[i].op].forward(...argumentsOf(nodes[i], values));
    }
    return values;
  }

  // What edge k hands on of the gradient g at its head; the local derivative for g = 1.
  function share(k, values, g) {
    const { head, argument, element } = edges[k];
    const point = argumentsOf(nodes[head], values);
    if (element !== null) {
      point.forEach((a, i) => { if (Array.isArray(a)) point[i] = a[element]; });
    }
    return primitives[nodes[head].op].shares[argument](g, values[head], ...point);
  }

  // The backward pass from `top`: the gradients, and each addition as it happens.
  function backward(values, top = root) {
    const gradients = nodes.map(() => 0);
    gradients[top] = 1;
    const reached = behind(top);
    const additions = [];
    for (const k of data.backward) {
      const { head, tail } = edges[k];
      if (!reached.has(head)) continue;
      const arriving = gradients[head];
      const product = share(k, values, arriving);
      const before = gradients[tail];
      gradients[tail] = before + product;
      additions.push({ k, slope: share(k, values, 1), arriving, product, before, after: gradients[tail] });
    }
    return { gradients, additions };
  }

  // All nodes with a path to `top`, which is one of them.
  function behind(top) {
    const found = new Set([top]);
    for (let i = top; i >= 0; i -= 1) {
      if (found.has(i)) entering[i].forEach(k => { if (edges[k].live) found.add(edges[k].tail); });
    }
    return found;
  }

  // All nodes with a path from `from`, in their order.
  function ahead(from) {
    const found = new Set([from]);
    for (let i = from; i <= root; i += 1) {
      if (found.has(i)) leaving[i].forEach(k => found.add(edges[k].head));
    }
    return [...found].sort((a, b) => a - b);
  }

  // How many paths lead from one node to another; they are counted before any is listed.
  function countPaths(from, to) {
    const counts = nodes.map(() => 0);
    counts[from] = 1;
    for (let i = from; i < to; i += 1) {
      for (const k of leaving[i]) counts[edges[k].head] += counts[i];
    }
    return counts[to];
  }

  // The paths, each a list of edges; only for few of them.
  function pathsBetween(from, to) {
    if (from === to) return [[]];
    const useful = behind(to);
    return leaving[from]
      .filter(k => useful.has(edges[k].head))
      .flatMap(k => pathsBetween(edges[k].head, to).map(rest => [k, ...rest]));
  }

  // What a path contributes: the root's derivative at its end, handed back along it.
  function product(path, values, gradient = 1) {
    return path.reduceRight((g, k) => share(k, values, g), gradient);
  }

  // One step of the recursion: every edge from a node; and the next one too, where
  // a function of one argument is all that uses the edge's head.
  function firstSteps(from, to) {
    const useful = behind(to);
    return leaving[from].filter(k => useful.has(edges[k].head)).map(k => {
      const next = edges[k].head === to ? [] : leaving[edges[k].head].filter(n => useful.has(edges[n].head));
      return next.length === 1 && entering[edges[next[0]].head].length === 1 ? [k, next[0]] : [k];
    });
  }

  // The formula of edge k's local derivative: of several, the one that applies.
  function chosen(k, values) {
    return choices[k] ? choices[k](values) : 0;
  }

  function slopeFormula(k, values) {
    return edges[k].slopes[chosen(k, values)];
  }

  // Move one value by `delta` and let everything after it follow: for each node that can move,
  // where it was, where it is, and how far its derivative by that value foretold.
  function nudge(values, i, delta) {
    const moved = values.slice();
    moved[i] = values[i] + delta;
    const after = forward(moved, i);
    // Forward mode: how fast each node moves with the nudged one, all of them in one sweep.
    const rate = nodes.map(() => 0);
    rate[i] = 1;
    const way = ahead(i);
    for (const n of way) {
      if (n !== i) rate[n] = entering[n].reduce((sum, k) => sum + (edges[k].live ? share(k, values, rate[edges[k].tail]) : 0), 0);
    }
    return way.map(n => ({ node: n, before: values[n], after: after[n], foretold: rate[n] * delta }));
  }

  // The root as one value alone changes: `count` points from low to high.
  function slice(values, i, low, high, count = 81) {
    return Array.from({ length: count }, (_, j) => {
      const x = low + ((high - low) * j) / (count - 1);
      const moved = values.slice();
      moved[i] = x;
      return [x, forward(moved, i)[root]];
    });
  }

  // A function of one argument as a curve: an operation with one parent.
  function curve(i, low, high, count = 81) {
    const { forward: f } = primitives[nodes[i].op];
    return Array.from({ length: count }, (_, j) => {
      const x = low + ((high - low) * j) / (count - 1);
      return [x, f(x)];
    });
  }

  return {
    nodes, edges, root, start, leaves, operations, entering, leaving, order: data.backward,
    forward, share, backward, behind, ahead, countPaths, pathsBetween, product, firstSteps,
    chosen, slopeFormula, nudge, slice, curve,
  };
}
