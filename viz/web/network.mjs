// The network: neurons as circles, weights as lines by sign and size. (Drawn in a later step.)

import { data } from "./data.mjs";

export const hasNetwork = Boolean(data.network);
export function drawNetwork() {}
export function showNetwork() {}
