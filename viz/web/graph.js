// The graph's arithmetic: forward, backward, paths. `primitives` and `choices`
// are printed from the table of primitives; nothing here knows an operation.

const graph = JSON.parse(document.getElementById("data").textContent);
const { nodes, edges } = graph;
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

// All numbers, from the leaves' among `given`.
function forward(given) {
  const values = given.slice();
  for (const i of operations) {
    values[i] = primitives[nodes[i].op].forward(...argumentsOf(nodes[i], values));
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
  for (const k of graph.backward) {
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
function slopeFormula(k, values) {
  return edges[k].slopes[chosen(k, values)];
}

function chosen(k, values) {
  return choices[k] ? choices[k](values) : 0;
}
