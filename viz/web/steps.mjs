// The steps of both passes, and what is known after each.

export function makeSteps(graph) {
  const { nodes, edges, root, operations, order, leaving } = graph;
  const steps = [
    { phase: "start" },
    ...operations.map(node => ({ phase: "forward", node })),
    { phase: "seed" },
    ...order.map((k, j) => ({ phase: "backward", k, j })),
    { phase: "done" },
  ];
  const seeded = 1 + operations.length;
  const knownFrom = {
    value: nodes.map((_, i) => operations.indexOf(i) + 1),
    gradient: nodes.map(() => seeded), // all of it, that is
  };
  order.forEach((k, j) => { knownFrom.gradient[edges[k].tail] = seeded + j + 1; });

  // The values and gradients that are known, which edges the gradient has passed,
  // and how many of a node's edges: undefined for what is not known.
  function known(step, { values, additions }) {
    const done = additions.slice(0, Math.max(0, Math.min(step - seeded, order.length)));
    const gradients = nodes.map(() => undefined);
    if (step >= seeded) {
      nodes.forEach((node, i) => { if (node.op || node.free) gradients[i] = 0; });
      gradients[root] = 1;
    }
    done.forEach(({ k, after }) => { gradients[edges[k].tail] = after; });
    const passed = new Map(done.map(one => [one.k, one]));
    return {
      values: values.map((x, i) => (knownFrom.value[i] <= step ? x : undefined)),
      gradients,
      passed,
      received: leaving.map(several => several.filter(k => passed.has(k)).length),
    };
  }

  return { steps, end: steps.length - 1, seeded, knownFrom, known };
}

// What a reader might take a product for: itself, and three others, in an order that depends on them.
export function guesses(slope, arriving) {
  const product = slope * arriving;
  const others = [-product, slope + arriving, slope === 0 ? 1 : arriving / slope, 2 * product, product / 10];
  const all = [product];
  for (const x of others) {
    if (all.length < 4 && Number.isFinite(x) && all.every(y => Math.abs(x - y) > 1e-3 * Math.abs(y) + 1e-9)) all.push(x);
  }
  return all.sort((a, b) => a - b);
}
