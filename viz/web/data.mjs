// What the file holds: the graph, the layouts of its picture, and the texts in each language.

import { makeGraph } from "./graph.mjs";
import { makeSteps } from "./steps.mjs";

/* global primitives, choices */
export const data = JSON.parse(document.getElementById("data").textContent);
export const graph = makeGraph(data, primitives, choices);
export const { nodes, edges, root, start, leaves, entering, leaving } = graph;
export const course = makeSteps(graph);
export const { steps, knownFrom } = course;
export const at = id => document.getElementById(id);
